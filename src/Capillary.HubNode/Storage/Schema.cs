namespace Capillary.HubNode.Storage;

/// <summary>
/// The hub's tables. Version n+1 is one more script at the end; a released script never changes. Times are Unix milliseconds.
/// </summary>
internal static class Schema
{
    public static IReadOnlyList<string> Migrations { get; } =
    [
        """
        CREATE TABLE trust_roots(version INTEGER PRIMARY KEY, envelope BLOB NOT NULL);
        CREATE TABLE records(
            node TEXT NOT NULL, version INTEGER NOT NULL, envelope BLOB NOT NULL, signed_at INTEGER NOT NULL, PRIMARY KEY(node, version));
        CREATE TABLE join_codes(
            id TEXT PRIMARY KEY, node TEXT NOT NULL, kind TEXT NOT NULL, mac_key BLOB NOT NULL, made_by TEXT NOT NULL,
            expires_at INTEGER NOT NULL, tries_left INTEGER NOT NULL, used_at INTEGER);
        CREATE TABLE operators(
            name TEXT PRIMARY KEY, role TEXT NOT NULL, token_hash BLOB NOT NULL UNIQUE, made_at INTEGER NOT NULL);
        CREATE TABLE releases(
            number INTEGER PRIMARY KEY, commit_id TEXT NOT NULL, subject TEXT NOT NULL, author TEXT NOT NULL, committed_at INTEGER NOT NULL,
            made_at INTEGER NOT NULL, waves TEXT NOT NULL, regions TEXT NOT NULL, changed INTEGER NOT NULL);
        -- Only what changed against the release before; a null bundle: the site is no longer declared.
        CREATE TABLE release_sites(
            site TEXT NOT NULL, release INTEGER NOT NULL, bundle TEXT, region TEXT, wave INTEGER, PRIMARY KEY(site, release)) WITHOUT ROWID;
        CREATE INDEX release_sites_by_release ON release_sites(release);
        CREATE TABLE failed_commits(
            seq INTEGER PRIMARY KEY, commit_id TEXT NOT NULL, subject TEXT NOT NULL, author TEXT NOT NULL, committed_at INTEGER NOT NULL,
            seen_at INTEGER NOT NULL, diagnostics TEXT NOT NULL);
        CREATE TABLE plans(
            generation INTEGER PRIMARY KEY, parent INTEGER NOT NULL UNIQUE, release INTEGER NOT NULL, signed_at INTEGER NOT NULL,
            checkpoint BLOB NOT NULL);
        CREATE TABLE plan_changes(
            generation INTEGER NOT NULL, site TEXT NOT NULL, bundle TEXT NOT NULL, fallback TEXT, reason TEXT NOT NULL,
            PRIMARY KEY(generation, site)) WITHOUT ROWID;
        -- Each site's newest line, with the proof under the checkpoint of `generation`; the path is its 32-byte hashes, one after another.
        CREATE TABLE lines(
            site TEXT PRIMARY KEY, region TEXT NOT NULL, leaf BLOB NOT NULL, leaf_index INTEGER NOT NULL, path BLOB NOT NULL,
            generation INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE reports(
            site TEXT PRIMARY KEY, envelope BLOB NOT NULL, received_at INTEGER NOT NULL, healthy_bundle TEXT) WITHOUT ROWID;
        CREATE TABLE journal(
            seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, before TEXT, after TEXT,
                hash BLOB NOT NULL);
        CREATE TRIGGER journal_keeps BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
        CREATE TRIGGER journal_stays BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
        """,
        """
        -- Site events in the order they were kept; a row of type 'dropped' stands for the numbers from first to last.
        CREATE TABLE events(
            id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, incarnation INTEGER NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, at INTEGER NOT NULL, received_at INTEGER NOT NULL, type TEXT NOT NULL, app TEXT, text TEXT, data TEXT);
        CREATE INDEX events_by_site ON events(site, id);
        CREATE TABLE event_cursors(site TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
        """,
        // When a receipt brought the report; null: a link did.
        "ALTER TABLE reports ADD COLUMN carried_at INTEGER",
        """
        -- Identity keys that a record ever named, with the time of the first; a key belongs to one node for ever.
        CREATE TABLE node_keys(key TEXT PRIMARY KEY, node TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX node_keys_by_time ON node_keys(at);
        ALTER TABLE trust_roots ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE revoked_keys(key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
        -- Nodes that were asked for a new key, since when and by whom; gone when they have it.
        CREATE TABLE successions_due(node TEXT PRIMARY KEY, since INTEGER NOT NULL, asked_by TEXT NOT NULL) WITHOUT ROWID;
        -- Signs of copied keys, each as one parent saw it.
        CREATE TABLE key_sightings(
            node TEXT NOT NULL, key TEXT NOT NULL, sign TEXT NOT NULL, seen_by TEXT NOT NULL, count INTEGER NOT NULL,
            first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, told_at INTEGER NOT NULL,
            PRIMARY KEY(node, key, sign, seen_by)) WITHOUT ROWID;
        """,
        """
        -- What a release says of its regions beside their sites, by region.
        ALTER TABLE releases ADD COLUMN terms TEXT NOT NULL DEFAULT '{}';
        -- What an operator wants of a site that no commit says; `bundle` is what the site held before, `since` its line's then.
        CREATE TABLE site_wishes(
            site TEXT PRIMARY KEY, kind TEXT NOT NULL, bundle TEXT, since INTEGER NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL,
            at INTEGER NOT NULL) WITHOUT ROWID;
        -- Nodes that proved a join code and wait for an operator, or were answered by one.
        CREATE TABLE waiting_nodes(
            node TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, sealing_key TEXT NOT NULL, code TEXT NOT NULL, via TEXT NOT NULL,
            since INTEGER NOT NULL, answer TEXT, PRIMARY KEY(node, key)) WITHOUT ROWID;
        -- Who knocked and was not let in.
        CREATE TABLE knocks(
            node TEXT NOT NULL, key TEXT NOT NULL, via TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
            count INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY(node, key)) WITHOUT ROWID;
        -- Region nodes that proved a checkpoint that this hub did not sign, so that it came back from a backup.
        CREATE TABLE regions_ahead(node TEXT PRIMARY KEY, generation INTEGER NOT NULL, checkpoint BLOB NOT NULL, at INTEGER NOT NULL)
            WITHOUT ROWID;
        -- Generations with which a restored hub went on.
        CREATE TABLE resumes(generation INTEGER PRIMARY KEY, at INTEGER NOT NULL);
        """,
        "CREATE TABLE signed_time(id INTEGER PRIMARY KEY CHECK(id = 1), at INTEGER NOT NULL)",
        // Of a further node of a region.
        "ALTER TABLE join_codes ADD COLUMN region TEXT",
        "ALTER TABLE release_sites ADD COLUMN kubernetes INTEGER NOT NULL DEFAULT 0",
        """
        -- Policies of a commit, and what each site's labels say to them; column wave is no longer written.
        ALTER TABLE releases ADD COLUMN policies TEXT NOT NULL DEFAULT '{"Default":null,"All":{},"OfApps":{}}';
        ALTER TABLE release_sites ADD COLUMN choices TEXT NOT NULL DEFAULT '';
        ALTER TABLE release_sites ADD COLUMN zone TEXT;
        -- What the planner remembers of each rollout, and of each site of the newest one.
        CREATE TABLE rollouts(
            id INTEGER PRIMARY KEY, release INTEGER NOT NULL, sites INTEGER NOT NULL, state TEXT NOT NULL, ended_at INTEGER);
        CREATE TABLE rollout_sites(
            site TEXT PRIMARY KEY, policy TEXT NOT NULL, wave INTEGER NOT NULL, member_of TEXT, waiting_since INTEGER, met_at INTEGER)
            WITHOUT ROWID;
        """,
    ];
}
