"""An emulator of the models' APIs: OpenAI's chat completions and responses, Anthropic's messages, and their
ways to fail.
"""

from tests.emulators.llm.answers import WORDS, Answer, Break, Counted, End, How, Refusal, refuse, say
from tests.emulators.llm.requests import Request
from tests.emulators.llm.server import LLMEmulator, refusing_port

__all__ = [
    "WORDS",
    "Answer",
    "Break",
    "Counted",
    "End",
    "How",
    "LLMEmulator",
    "Refusal",
    "Request",
    "refuse",
    "refusing_port",
    "say",
]
