using System.Text;
using Capillary.Jinja.Run;

namespace Capillary.Jinja.Builtins;

/// <summary>Percent-encoding as Jinja2 does it: a path keeps its slashes, a query writes blanks as plus.</summary>
internal static class Percent
{
    private const string Hex = "0123456789ABCDEF";

    internal static void Write(OutputBuffer output, string text, bool isQuery)
    {
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            var c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || (c == '/' && !isQuery))
            {
                output.Append(c);
            }
            else if (c == ' ' && isQuery)
            {
                output.Append('+');
            }
            else
            {
                output.Append('%');
                output.Append(Hex[b >> 4]);
                output.Append(Hex[b & 15]);
            }
        }
    }
}
