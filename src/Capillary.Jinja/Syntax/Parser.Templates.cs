using Capillary.Jinja.Run;
using Capillary.Jinja.Tree;

namespace Capillary.Jinja.Syntax;

/// <content>Macros, blocks and the tags that reach for other templates.</content>
internal sealed partial class Parser
{
    private readonly List<BlockTag> _blocks = [];
    private readonly HashSet<string> _blockNames = new(StringComparer.Ordinal);
    private bool _extends;
    private bool _sharesVariables;
    private bool _readsSelf;

    private Macro ParseMacro(Token tag)
    {
        var name = ParseNameTarget();
        Expect("(");
        var (parameters, defaults) = ParseParameters();
        return new Macro(name.Position, name.Name, new MacroCode(name.Name, parameters, defaults, ParseCode(tag, "endmacro")));
    }

    private CallBlock ParseCallBlock(Token tag)
    {
        var (parameters, defaults) = Skip("(") ? ParseParameters() : ([], []);
        var position = Current.Position;
        if (ParseExpression() is not Call call) throw Fail("expected a call", position);
        return new CallBlock(tag.Position, call, new MacroCode("caller", parameters, defaults, ParseCode(tag, "endcall")));
    }

    // The opening bracket is taken already.
    private (NameTarget[] Parameters, Expr?[] Defaults) ParseParameters()
    {
        var (parameters, known) = (new List<NameTarget>(), new HashSet<string>());
        var defaults = new List<Expr?>();
        while (!Skip(")"))
        {
            if (parameters.Count > 0) Expect(",");
            var parameter = ParseNameTarget();
            if (!known.Add(parameter.Name)) throw Fail($"the parameter '{parameter.Name}' is given twice");
            var value = Skip("=") ? ParseExpression() : null;
            if (value is null && defaults.Count > 0 && defaults[^1] is not null)
                throw Fail("a parameter without default follows one with a default");
            if (value is null && parameter.Name == "caller") throw Fail("the parameter 'caller' needs a default", parameter.Position);
            parameters.Add(parameter);
            defaults.Add(value);
        }
        return ([.. parameters], [.. defaults]);
    }

    // A body that runs elsewhere, so that a loop around it is not its own.
    private Block ParseCode(Token tag, string end)
    {
        ExpectBodyStart();
        var loops = _loops;
        _loops = 0;
        var body = ParseBodyTo(end, tag);
        _loops = loops;
        return body;
    }

    private Do ParseDo(Token tag)
    {
        var expression = ParseTuple();
        ExpectBlockEnd();
        return new Do(tag.Position, expression);
    }

    private Block ParsePrintTag()
    {
        var prints = new List<Stmt>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (prints.Count > 0) Expect(",");
            prints.Add(new Print(ParseExpression()));
        }
        ExpectBlockEnd();
        return new Block([.. prints]);
    }

    private LeaveRound ParseLeave(Token tag)
    {
        if (_loops == 0) throw Fail($"'{tag.Text}' outside of a loop", tag.Position);
        ExpectBlockEnd();
        return new LeaveRound(tag.Position, tag.Text == "break" ? LoopExit.Break : LoopExit.Continue);
    }

    private AutoescapeTag ParseAutoescape(Token tag)
    {
        var on = ParseExpression();
        ExpectBodyStart();
        return new AutoescapeTag(tag.Position, on, ParseBodyTo("endautoescape", tag));
    }

    private BlockTag ParseBlockTag(Token tag)
    {
        _sharesVariables = true;
        var name = ExpectName();
        if (!_blockNames.Add(name.Text)) throw Fail($"the block '{name.Text}' is defined twice", name.Position);
        var scoped = SkipName("scoped");
        var required = SkipName("required");
        if (Current.IsOperator("-")) throw Fail("a block's name has no hyphens; use an underscore");
        // Its place in the list is that of its beginning.
        var index = _blocks.Count;
        ExpectBodyStart();
        var loops = _loops;
        _loops = 0;
        var body = ParseBody(["endblock"], tag);
        _loops = loops;
        _at++;
        SkipName(name.Text);
        ExpectBlockEnd();
        if (required && !body.IsBlank) throw Fail("a required block can hold only blanks and comments", name.Position);
        var block = new BlockTag(name.Position, name.Text, body, scoped, required);
        _blocks.Insert(index, block);
        return block;
    }

    private Extends ParseExtends(Token tag)
    {
        RequireLoader(tag);
        _extends = true;
        var template = ParseExpression();
        ExpectBlockEnd();
        return new Extends(tag.Position, template);
    }

    private Include ParseInclude(Token tag)
    {
        RequireLoader(tag);
        var template = ParseExpression();
        var ignoreMissing = false;
        if (Current.IsName("ignore") && Following.IsName("missing"))
        {
            ignoreMissing = true;
            _at += 2;
        }
        var withContext = ParseContext(missing: true);
        ExpectBlockEnd();
        return new Include(tag.Position, template, ignoreMissing, withContext);
    }

    private Import ParseImport(Token tag)
    {
        RequireLoader(tag);
        var template = ParseExpression();
        ExpectKeyword("as");
        var target = ParseNameTarget();
        var withContext = ParseContext(missing: false);
        ExpectBlockEnd();
        return new Import(tag.Position, template, target, withContext);
    }

    private FromImport ParseFromImport(Token tag)
    {
        RequireLoader(tag);
        var template = ParseExpression();
        ExpectKeyword("import");
        var names = new List<(string, NameTarget)>();
        while (true)
        {
            if (names.Count > 0 && !Skip(",")) break;
            if (Current.Kind == TokenKind.BlockEnd && names.Count > 0) break;
            if (IsContext()) break;
            var target = ParseNameTarget();
            if (target.Name.StartsWith('_')) throw Fail("names starting with an underline can not be imported", target.Position);
            names.Add((target.Name, SkipName("as") ? ParseNameTarget() : target));
        }
        var withContext = ParseContext(missing: false);
        ExpectBlockEnd();
        return new FromImport(tag.Position, template, [.. names], withContext);
    }

    private bool IsContext() => (Current.IsName("with") || Current.IsName("without")) && Following.IsName("context");

    private bool ParseContext(bool missing)
    {
        if (!IsContext()) return missing;
        var with = Take().Text == "with";
        _at++;
        return with;
    }

    private void RequireLoader(Token tag)
    {
        _sharesVariables = true;
        if (_environment.Loader is null) throw Fail($"'{tag.Text}' needs a loader: there are no other templates here", tag.Position);
    }
}
