"""Selects a request's proxy by `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """Proxies by scheme of the requested address; `bypass` holds the entries of `NO_PROXY`."""

    http: str | None = None
    https: str | None = None
    every: str | None = None
    bypass: str = ""

    def find(self, url: str) -> tuple[str, str] | None:
        """The variable and the proxy for this address; None: connect directly.

        Loopback addresses never use a proxy, for which they would be another machine.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        own = ("HTTPS_PROXY", self.https) if parts.scheme == "https" else ("HTTP_PROXY", self.http)
        name, proxy = own if own[1] else ("ALL_PROXY", self.every)
        if not proxy or not host or is_loopback(host):
            return None
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if any(_matches(entry, host, port) for entry in self.bypass.replace(",", " ").split()):
            return None
        return name, proxy if "://" in proxy else f"http://{proxy}"

    def url_for(self, url: str) -> str | None:
        """The proxy for this address, None without one."""
        found = self.find(url)
        return None if found is None else found[1]


DIRECT = ProxyRules()
"""Direct connections only."""


def is_loopback(host: str) -> bool:
    """Whether the name or address is a loopback address."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _matches(entry: str, host: str, port: int) -> bool:
    """Match one entry of `NO_PROXY`: `*`, name, `.domain`, address or network, optional port."""
    if entry == "*":
        return True
    entry = entry.lower()
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass  # a name, or an address with a port
    name, colon, of_port = entry.rpartition(":")
    if colon and of_port.isdecimal():
        if int(of_port) != port:
            return False
        entry = name.strip("[]")
    if address is not None:
        return _address(entry) == address
    domain = entry.removeprefix("*").removeprefix(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
