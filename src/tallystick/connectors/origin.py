"""Where a call may go: the origin a buyer configured, and no address that only machines inside a network can reach.

A description of a system, or the system itself, may name an address of the buyer's own network: a next page, a
redirect, or a host name that leads there. So every link is compared with the configured origin, and what a host name
leads to is looked up here, checked, and connected to as it was checked: a second look-up could give another answer.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin, urlsplit

import httpx

from tallystick.errors import PermanentError

__all__ = ["PinnedTransport", "is_private", "same_origin"]

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses of IPv4 written as IPv6 (RFC 6052)."""
_PUBLIC = IPv6Network("2000::/3")
"""All of IPv6 that the public Internet has (RFC 4291, 2.4); outside of it are site-local and translated addresses."""

_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]
"""Gives the addresses that a host name leads to; raises `OSError` where it leads nowhere."""


def is_private(address: str) -> bool:
    """Tell whether an address is not one of the public Internet: private, loopback, link-local, multicast, reserved."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _TRANSLATED:
            inner = IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            found = inner
    outside = isinstance(found, IPv6Address) and found not in _PUBLIC
    return not found.is_global or found.is_multicast or outside


def same_origin(base_url: str, link: str, name: str) -> str:
    """Give the address a link of an answer leads to, if it is one of the configured origin.

    Args:
        base_url: The configured address.
        link: What the answer said: an address, or one relative to `base_url`.
        name: The system's name, for messages.

    Raises:
        PermanentError: It leads elsewhere, or is no address. The link is not repeated: it may carry a secret.
    """
    try:
        base, found = urlsplit(base_url), urlsplit(urljoin(base_url, link))
        same = _origin(found) == _origin(base) and found.username is None and found.password is None
    except ValueError:
        same = False
    if not same or not link.isprintable():
        raise PermanentError(
            f"{name} names a next page that is not at its own origin; it is not asked for: the key would go along",
            hint="Check base_url. If the system really answers from several hosts, it cannot be read this way.",
        )
    return found.geturl()


def _origin(parts: object) -> tuple[str, str, int | None]:
    scheme, host, port = parts.scheme, parts.hostname or "", parts.port  # type: ignore[attr-defined]
    return scheme, host.lower(), port or _PORTS.get(scheme)


class PinnedTransport(httpx.BaseTransport):
    """Sends requests to addresses of the public Internet only, each to the very address that was checked.

    An address written out as loopback is this machine, where simulators listen, and is let through; a name that leads
    there is not. Certificates are checked against the host's name as ever.

    Args:
        name: The system's name, for messages.
        allow_private: Let private addresses through, for a system inside the buyer's own network.
        resolve: Looks names up; tests pass their own.
        inner: What sends; by default a transport of httpx without proxies.
    """

    def __init__(
        self,
        name: str,
        *,
        allow_private: bool = False,
        resolve: Resolve | None = None,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        self._name = name
        self._allow = allow_private
        self._resolve = resolve or _look_up
        self._inner = inner or httpx.HTTPTransport(trust_env=False, limits=httpx.Limits(max_connections=64))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; tries one checked address of its host after the other until one can be connected to.

        Raises:
            PermanentError: The host is private, or leads to a private address.
            httpx.TransportError: No address could be connected to, or the exchange failed.
        """
        host = request.url.host
        addresses = self._addresses(host, request.url.port or _PORTS[request.url.scheme])
        failed: httpx.TransportError | None = None
        for address in addresses:
            try:
                return self._inner.handle_request(self._pinned(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or httpx.ConnectError("the host name leads nowhere", request=request)

    def close(self) -> None:
        """Give back the connections."""
        self._inner.close()

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            written = ip_address(host)
        except ValueError:
            pass
        else:
            self._check(host, allowed=self._allow or written.is_loopback)
            return [host]
        if host == "localhost":  # this machine, whatever a resolver says of it
            return ["127.0.0.1", "::1"]
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except OSError as error:
            raise httpx.ConnectError(f"the name of the host could not be looked up ({type(error).__name__})") from error
        for address in found:
            self._check(address, allowed=self._allow)
        return found

    def _check(self, address: str, *, allowed: bool) -> None:
        if not allowed and is_private(address):
            raise PermanentError(
                f"the address of {self._name} leads into a private network; it is not connected to",
                hint="Correct base_url; if the system is inside your own network, set allow_private: true.",
            )

    def _pinned(self, request: httpx.Request, host: str, address: str) -> httpx.Request:
        """Give a request for one address; the host's name stays in its `Host` header and in the TLS handshake."""
        if address == host:
            return request
        extensions = {**request.extensions, "sni_hostname": host}
        url = request.url.copy_with(host=address)
        return httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)


def _look_up(host: str, port: int) -> Sequence[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
