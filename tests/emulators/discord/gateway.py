"""The gateway: who may connect, which session an event goes to, and the trouble a test can make.

Payload compression (`compress` within IDENTIFY) is optional for the sender; only transport compression is
done. Source of opcodes, close codes and the order of things: Discord's documentation, page "Gateway".
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from . import payloads
from .connection import COMPRESSIONS, CloseCode, Connection, Op
from .errors import Json
from .session import KNOWN_INTENTS, PRIVILEGED, Session
from .world import Event, Intent, World


class Gateway:
    """All connections and sessions of the bot. Several may serve the same shard; each hears everything."""

    def __init__(
        self, world: World, *, token: Callable[[], str], url: Callable[[], str], heartbeat_interval: float
    ) -> None:
        self._world = world
        self._token = token
        self._url = url
        self._interval = heartbeat_interval
        self._last: dict[str, Event] = {}
        self._paused = False
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identifies: list[Json] = []
        self.resumes: list[Json] = []
        self.acknowledges = True
        self.slow = False  # tells new sessions of no guild, until it is told to

    @property
    def online(self) -> list[Session]:
        """Sessions with a client on the line."""
        return [session for session in self.sessions.values() if session.connection is not None]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Handle one WebSocket from greeting to end."""
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0, compress=False)
        await socket.prepare(request)
        connection = Connection(
            self._world, request, socket, heartbeat_interval=self._interval, on_payload=self._on_payload
        )
        self.connections.append(connection)
        self._world.changed()
        if request.query.get("v", "10") != "10" or request.query.get("encoding", "json") != "json":
            connection.close(CloseCode.INVALID_VERSION)
        if request.query.get("compress", "zlib-stream") not in COMPRESSIONS:
            connection.close(CloseCode.DECODE_ERROR)
        try:
            await connection.run()
        finally:
            self.connections.remove(connection)
            self._lose(connection)
        return socket

    def dispatch(self, event: Event) -> None:
        """Tell every session that should hear it."""
        if not event.by_bot:
            self._last[event.name] = event
        for session in list(self.sessions.values()):
            session.hear(event)

    def replay(self, name: str) -> None:
        """Tell the last event of this name (not the bot's own doing) once more."""
        self.dispatch(self._last[name])

    def pause(self) -> None:
        """Write events down without sending them."""
        self._set_paused(True)

    def unpause(self) -> None:
        """Send what was written down."""
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self._paused = paused
        for session in self.sessions.values():
            session.paused = paused
            session.flush()

    def drop_all(self) -> None:
        """Break every connection; sessions can be resumed."""
        for connection in list(self.connections):
            connection.drop()
            self._lose(connection)

    def ask_to_reconnect(self) -> None:
        """Send op 7 to every client."""
        for connection in self.connections:
            connection.send({"op": Op.RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Send op 9 to every client; unless resumable, their sessions are gone."""
        for session in self.online:
            assert session.connection is not None
            session.connection.send({"op": Op.INVALID_SESSION, "d": resumable})
        if not resumable:
            self.sessions.clear()

    def close_all(self, cause: tuple[int, str]) -> None:
        """Close every connection with a code."""
        for connection in self.connections:
            connection.close(cause)

    def _session_of(self, connection: Connection) -> Session | None:
        return next((session for session in self.sessions.values() if session.connection is connection), None)

    def _lose(self, connection: Connection) -> None:
        """A client left; one that said goodbye (1000, 1001) or timed out has no session any more."""
        session = self._session_of(connection)
        if session is not None:
            session.detach()
            if connection.close_codes & {1000, 1001, CloseCode.SESSION_TIMED_OUT[0]}:
                del self.sessions[session.id]
        self._world.changed()

    async def _on_payload(self, connection: Connection, payload: Json) -> None:
        op, data = payload["op"], payload.get("d")
        known = self._session_of(connection)
        if op == Op.HEARTBEAT:
            connection.heartbeat()
            if self.acknowledges:
                connection.send({"op": Op.HEARTBEAT_ACK})
        elif op in (Op.IDENTIFY, Op.RESUME):
            if known is not None:
                connection.close(CloseCode.ALREADY_AUTHENTICATED)
            elif not isinstance(data, dict):
                connection.close(CloseCode.DECODE_ERROR)
            elif op == Op.IDENTIFY:
                self._identify(connection, data)
            else:
                self._resume(connection, data)
        elif op not in (Op.PRESENCE, Op.VOICE_STATE, Op.REQUEST_MEMBERS, Op.SOUNDBOARD):
            connection.close(CloseCode.UNKNOWN_OPCODE)
        elif known is None:
            connection.close(CloseCode.NOT_AUTHENTICATED)
        elif op == Op.REQUEST_MEMBERS and isinstance(data, dict):
            self._send_members(known, data)

    def _authentic(self, data: Json) -> bool:
        return str(data.get("token", "")).removeprefix("Bot ") == self._token()

    def _identify(self, connection: Connection, data: Json) -> None:
        self.identifies.append(data)
        refused = self._refusal(data)
        if refused is not None:
            connection.close(refused)
            self._world.changed()
            return
        number, count = data.get("shard") or (0, 1)
        session = Session(self._world, data["intents"], (number, count))
        session.paused = self._paused
        session.attach(connection)
        self.sessions[session.id] = session
        guilds = [guild for guild in self._world.guilds.values() if self._mine(session, guild.id)]
        session.push("READY", self._ready(session, [guild.id for guild in guilds]))
        if not self.slow:
            self._tell_guilds(session)
        self._world.changed()

    def tell_guilds(self) -> None:
        """After it was `slow`: tell all sessions of their guilds at last."""
        self.slow = False
        for session in self.sessions.values():
            self._tell_guilds(session)

    def _tell_guilds(self, session: Session) -> None:
        if session.intents & Intent.GUILDS:
            for guild in self._world.guilds.values():
                if self._mine(session, guild.id):
                    session.push("GUILD_CREATE", payloads.guild_create(self._world, guild))

    def _mine(self, session: Session, guild_id: int) -> bool:
        guild = self._world.guilds[guild_id]
        return self._world.bot.id in guild.members and session.serves(guild)

    def _refusal(self, data: Json) -> tuple[int, str] | None:
        """The code an IDENTIFY is turned away with."""
        limits, book = self._world.limits, self._world.book
        intents, shard = data.get("intents"), data.get("shard") or [0, 1]
        if not self._authentic(data) or not book.take("identifies", limits.identifies).allowed:
            return CloseCode.AUTHENTICATION_FAILED
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            return CloseCode.INVALID_INTENTS
        if any(intents & bit and name not in self._world.granted for name, bit in PRIVILEGED.items()):
            return CloseCode.DISALLOWED_INTENTS
        if len(shard) != 2 or not 0 <= shard[0] < shard[1]:
            return CloseCode.INVALID_SHARD
        session = Session(self._world, intents, (shard[0], shard[1]))
        if sum(self._mine(session, number) for number in self._world.guilds) > limits.guilds_per_shard:
            return CloseCode.SHARDING_REQUIRED
        return None

    def _ready(self, session: Session, guilds: list[int]) -> Json:
        application = payloads.application(self._world)
        return {
            "v": 10,
            "user": payloads.user(self._world.bot)
            | {"verified": True, "mfa_enabled": True, "email": None, "flags": 0},
            "guilds": [{"id": str(number), "unavailable": True} for number in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self._url(),
            "shard": list(session.shard),
            "application": {"id": application["id"], "flags": application["flags"]},
            "private_channels": [],
            "user_settings": {},
            "relationships": [],
            "presences": [],
            "_trace": [],
        }

    def _resume(self, connection: Connection, data: Json) -> None:
        self.resumes.append(data)
        if not self._authentic(data):
            connection.close(CloseCode.AUTHENTICATION_FAILED)
            return
        session = self.sessions.get(str(data.get("session_id")))
        if session is None or self._too_late(session):
            connection.send({"op": Op.INVALID_SESSION, "d": False})
            return
        seq = data.get("seq")
        if not isinstance(seq, int) or not 0 <= seq <= session.seq:
            connection.close(CloseCode.INVALID_SEQ)
            return
        if session.connection is not None:
            session.connection.drop()
        session.rewind(seq)
        session.attach(connection)
        session.push("RESUMED", {"_trace": []})
        self._world.changed()

    def _too_late(self, session: Session) -> bool:
        lost = session.lost_at
        return lost is not None and self._world.clock.monotonic() - lost > self._world.limits.resume_window

    def _send_members(self, session: Session, data: Json) -> None:
        guild = self._world.guilds.get(int(data.get("guild_id") or 0))
        if guild is None or not session.serves(guild):
            return
        asked = data.get("user_ids")
        wanted = [asked] if isinstance(asked, (str, int)) else asked
        members = list(guild.members.values())
        if wanted is not None:
            members = [entry for entry in members if str(entry.user.id) in map(str, wanted)]
        elif data.get("query"):
            members = [entry for entry in members if entry.user.name.startswith(data["query"])][
                : data.get("limit") or 100
            ]
        elif not session.intents & Intent.GUILD_MEMBERS:
            members = []
        chunk: Json = {
            "guild_id": str(guild.id),
            "members": [payloads.member(entry) for entry in members],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [],
        }
        session.push("GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if data.get("nonce") else {}))
