using System.Runtime.CompilerServices;
using Capillary.EndToEnd.Systemd;
using Xunit;

namespace Capillary.EndToEnd.Image;

/// <summary>A test of the image that <c>./dev image</c> made. Skipped, and says why, where no container can run or there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ImageFactAttribute : FactAttribute
{
    public ImageFactAttribute() => Skip = Container.WhyNot() is { } reason ? $"no container can run here: {reason}"
        : System.IO.File.Exists(Archive) ? null : $"{Archive} is not made yet: ./dev image";

    public static string Archive { get; } = Path.Combine(Root(), "artifacts", ImageBuild.File);

    private static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
