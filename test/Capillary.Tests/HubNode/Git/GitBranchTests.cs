using Capillary.HubNode.Git;
using Xunit;

namespace Capillary.Tests.HubNode.Git;

/// <summary>Names of branches, as <c>git check-ref-format --branch</c> judges them.</summary>
public sealed class GitBranchTests
{
    [Fact]
    public void A_name_is_judged_as_git_does()
    {
        using var repository = new TestRepository();
        string[] names =
        [
            "main", "template/1.5", "a..b", "a.b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a/b.lock", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a]b",
            "a\\b", "/a", "a/", "a//b", "a@b", "a@{b", "{a}", "-a", "a-", "HEAD", "head", "é", "a\tb", "a\u007fb", "a/@", "a'b", "a\"b", "a;b", "v1..2",
        ];
        foreach (var name in names)
        {
            var isGood = true;
            try
            {
                repository.Git("check-ref-format", "--branch", name);
            }
            catch (InvalidOperationException)
            {
                isGood = false;
            }
            Assert.True(isGood == GitBranch.NameProblem(name) is null, $"'{name}': git says {isGood}, we {GitBranch.NameProblem(name)}");
        }
        Assert.Equal("is empty", GitBranch.NameProblem(""));
        // Git makes it, and then reads it as HEAD.
        Assert.Equal("means something else to Git", GitBranch.NameProblem("@"));
    }
}
