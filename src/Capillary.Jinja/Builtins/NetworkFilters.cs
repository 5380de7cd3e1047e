using System.Numerics;
using Capillary.Jinja.Formats;
using Capillary.Jinja.Run;
using Capillary.Jinja.Values;

namespace Capillary.Jinja.Builtins;

/// <summary>Filters on addresses and networks (<c>10.1.2.0/24</c>), of IPv4 and IPv6. All go by the text alone.</summary>
internal static class NetworkFilters
{
    internal static readonly Builtin[] All =
    [
        new(new("ip_add_integer", ["n"], required: 1), AddInteger),
        new(new("cidr_address", []), static (r, self, _) => Network(r, self).Address.ToString()),
        new(new("cidr_network", []), static (r, self, _) => Network(r, self).First.ToString()),
        new(new("cidr_broadcast", []), static (r, self, _) => Network(r, self).Last.ToString()),
        new(new("cidr_netmask", []), static (r, self, _) => Network(r, self).Mask.ToString()),
        new(new("cidr_prefix", []), static (r, self, _) => (long)Network(r, self).Prefix),
        new(new("cidr_size", []), static (r, self, _) => BigValue.Of(r, Network(r, self).Size)),
        new(new("cidr_host", ["number"], required: 1), Host),
        new(new("cidr_subnet", ["newbits", "number"], required: 2), Subnet),
        new(new("cidr_contains", ["other"], required: 1), static (r, self, args) => Network(r, self).Contains(Network(r, args[0]))),
    ];

    private static IPNetworkText Network(RenderState r, JinjaValue value)
    {
        var text = Arg.Text(r, value, "the network");
        return IPNetworkText.Parse(text) ?? throw r.Fail($"'{text}' is no network such as 10.1.2.0/24 or fd00::/64, and no address");
    }

    private static JinjaValue AddInteger(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var text = Arg.Text(r, self, "the address");
        var address = IPAddressText.Parse(text) ?? throw r.Fail($"'{text}' is no IP address");
        return Moved(r, address, Number(r, args[0], "n")).ToString();
    }

    private static JinjaValue Host(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var network = Network(r, self);
        var number = Number(r, args[0], "the number");
        var offset = number.Sign < 0 ? network.Size + number : number;
        if (offset.Sign < 0 || offset >= network.Size) throw r.Fail($"{network} has no host {number}");
        return Moved(r, network.First, offset).ToString();
    }

    private static JinjaValue Subnet(RenderState r, JinjaValue self, JinjaValue[] args)
    {
        var network = Network(r, self);
        var (bits, number) = (Arg.Integer(r, args[0], "newbits", 0), Number(r, args[1], "the number"));
        if (bits < 0 || network.Prefix + bits > network.First.Width) throw r.Fail($"{network} can not be divided by {bits} more bits");
        if (number.Sign < 0 || number >= BigInteger.One << (int)bits) throw r.Fail($"{network} has no subnet {number} of {bits} more bits");
        var prefix = network.Prefix + (int)bits;
        return $"{Moved(r, network.First, number << (network.First.Width - prefix))}/{prefix}";
    }

    private static BigInteger Number(RenderState r, JinjaValue value, string what) =>
        value.IsAnyInteger ? value.AsBig : Arg.Integer(r, value, what, 0);

    private static IPAddressText Moved(RenderState r, IPAddressText address, BigInteger by)
    {
        var moved = address.Bits + by;
        if (moved.Sign < 0 || moved >> address.Width != 0) throw r.Fail($"{address} + {by} is no address any more");
        return address with { Bits = (UInt128)moved };
    }
}
