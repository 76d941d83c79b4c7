"""What every source may set."""

import pytest
from pydantic import ValidationError

import tallystick.connectors
from tallystick.connectors import HttpConfig


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com/prefix/",
        "https://api.example.com:8443",
        "http://127.0.0.1:8080",
        "http://localhost/stripe",
        "http://[::1]:9000",
    ],
)
def test_an_origin_may_have_a_port_and_a_path(url):
    """An origin is https anywhere, and http on this machine, with port and path."""
    assert HttpConfig(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user:word@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com#x",
        "https://[broken",
        "https://exa mple.com",
        "https://ex\\ample.com",
        "https://exämple.com",
        "https://example.com/line\nend",
        "https://api.example.com:99999",
    ],
)
def test_anything_but_an_origin_is_refused(url):
    """An address with credentials, a query, another scheme or no host is refused."""
    with pytest.raises(ValidationError, match="address"):
        HttpConfig(base_url=url)


@pytest.mark.parametrize("url", ["http://api.example.com", "http://10.0.0.7", "http://localhost.example.com"])
def test_a_key_never_travels_unencrypted(url):
    """Plain http to another machine is refused, because the key could be read along."""
    with pytest.raises(ValidationError, match="plain http is for this machine only"):
        HttpConfig(base_url=url)


def test_the_names_an_author_imports_are_listed_and_sorted():
    """__all__ is sorted and every name in it exists."""
    names = tallystick.connectors.__all__

    assert names == sorted(names)
    assert all(hasattr(tallystick.connectors, name) for name in names)
