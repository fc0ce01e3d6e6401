"""The gate: every call passes it, and it knows all ways in which the configured clients prove who they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from cds_service.auth.configuration import configuration_problems
from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.verifiers.bearer import BearerVerifier
from cds_service.auth.verifiers.callers import Caller, Credentials, NotAuthenticatedError, Reason, Verifier
from cds_service.auth.verifiers.cds_hooks_jwt import JwtVerifier
from cds_service.auth.verifiers.key_set import KeySet
from cds_service.auth.verifiers.keys import KeyFetcher, KeySource, RemoteKeys
from cds_service.auth.verifiers.mutual_tls import CertificateCheck, MutualTlsVerifier
from cds_service.auth.verifiers.signed_tokens import Registration
from cds_service.auth.verifiers.unauthenticated import OpenVerifier
from cds_service.clients.profile import BY_TOKEN, Authentication, ClientProfile, Issuer
from cds_service.egress.network import Network
from cds_service.protocol.errors import SettingsError


class Gate:
    """Asks one verifier after the other: tokens, then certificates, then none at all.

    A token of a registered issuer that does not hold is the end of it, whatever else the call brings: somebody tries to
    be that client. Only a call that names no client may be taken for one that needs no proof.
    """

    def __init__(
        self,
        verifiers: Sequence[Verifier],
        *,
        open_clients: Sequence[ClientProfile] = (),
        certificates: Iterable[ClientProfile] = (),
        remote_keys: Sequence[RemoteKeys] = (),
    ) -> None:
        """Take the verifiers in order, who needs no proof, who needs a certificate besides a token, and remote keys."""
        self._verifiers = tuple(verifiers)
        self._certificates = {
            client.name: CertificateCheck(client.certificates) for client in certificates if client.certificates
        }
        self._remote_keys = tuple(remote_keys)
        self.open_clients = tuple(client.name for client in open_clients)

    def admit(self, credentials: Credentials) -> Caller:
        """Return who calls; NotAuthenticatedError when nobody does who may, ReplayUnavailableError as the verifiers."""
        reason = ""
        for verifier in self._verifiers:
            try:
                caller = verifier.verify(credentials)
            except NotAuthenticatedError as refusal:
                if refusal.final:
                    raise
                reason = reason or refusal.reason
                continue
            if caller is not None:
                self._check_certificate(caller, credentials)
                return caller
        raise NotAuthenticatedError(reason or Reason.NO_CREDENTIALS)

    def warm(self) -> None:
        """Begin to fetch all keys in the background. To be called in each worker, after the fork."""
        for keys in self._remote_keys:
            keys.renew_in_background()

    @property
    def fetches_keys(self) -> bool:
        """Whether there are keys to fetch at all."""
        return bool(self._remote_keys)

    @property
    def has_all_keys(self) -> bool:
        """Whether every key set that is fetched is there in this process."""
        return all(keys.available for keys in self._remote_keys)

    def _check_certificate(self, caller: Caller, credentials: Credentials) -> None:
        check = self._certificates.get(caller.client.name)
        if check is not None and not check.holds(credentials):
            raise NotAuthenticatedError(Reason.CERTIFICATE)


def gate_for(
    clients: Sequence[ClientProfile],
    public_url: str,
    fetcher: KeyFetcher,
    replay: ReplayGuard,
    clock: Callable[[], datetime],
) -> Gate:
    """Return the gate for these clients; SettingsError names everything in their configuration that cannot work.

    `public_url` is the address under which clients know this service, empty where no client signs its calls. `clock`
    returns times that know their zone.
    """
    if problems := list(configuration_problems(clients, public_url)):
        raise SettingsError(problems)
    by_kind = {kind: [one for one in clients if one.authentication is kind] for kind in Authentication}
    remote: dict[tuple[str, Network], RemoteKeys] = {}

    def keys_of(client: ClientProfile, issuer: Issuer) -> KeySource:
        """Return an issuer's keys; several at one address share them."""
        if issuer.jku is None:
            return KeySet(issuer.keys)
        place = (issuer.jku, client.network)
        return remote.setdefault(place, RemoteKeys(*place, fetcher))

    def registrations(kind: Authentication) -> list[Registration]:
        return [
            Registration(client, issuer, keys_of(client, issuer))
            for client in by_kind[kind]
            for issuer in client.issuers
        ]

    verifiers: list[Verifier] = []
    if signed := registrations(Authentication.CDS_HOOKS_JWT):
        verifiers.append(JwtVerifier(signed, public_url=public_url, replay=replay, clock=clock))
    if borne := registrations(Authentication.OAUTH_BEARER):
        verifiers.append(BearerVerifier(borne, clock=clock))
    if certified := by_kind[Authentication.MUTUAL_TLS]:
        verifiers.append(MutualTlsVerifier(certified))
    if unproved := by_kind[Authentication.NONE]:
        verifiers.append(OpenVerifier(unproved))
    with_both = [client for client in clients if client.authentication in BY_TOKEN and client.certificates]
    return Gate(verifiers, open_clients=unproved, certificates=with_both, remote_keys=list(remote.values()))
