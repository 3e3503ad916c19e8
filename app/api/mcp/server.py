"""Speak the protocol by the kept library. Imported with the first call at ``/mcp``: most processes never need it."""

from __future__ import annotations

import json
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from app import __version__
from app.api.mcp.running import run, tools_for
from app.api.mcp.tools import BY_NAME, Tool
from app.api.strict import BODY_LIMIT

INSTRUCTIONS: Final = (
    "Retainer decides what support a customer is entitled to and what it costs, by the vendor's policy."
    " Find the customer first. Quote the clause of `because` with each answer; where `reading` is true, say that it is"
    " the vendor's reading of a text that is silent. Never promise what a tool did not answer."
    " A tool that writes rehearses first: show the rehearsal to the person you act for, and confirm it only then."
    " A refusal has `code`, `detail` and `next_step`; `remedies` say what would help."
)


def manager() -> StreamableHTTPSessionManager:
    """Return what serves requests: no sessions and no streams, so that any process answers any request."""
    server: Server[Any] = Server(
        "retainer",
        version=__version__,
        title="Retainer",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=_schema_of,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
    )
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True, max_request_body_size=BODY_LIMIT)


def _schema_of(name: str) -> dict[str, Any] | None:
    tool = BY_NAME.get(name)
    return None if tool is None else tool.schema


async def _list_tools(
    context: ServerRequestContext[Any, Any], _: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_published(tool) for tool in tools_for(_scope(context)["retainer.principal"])])


async def _call_tool(
    context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
) -> types.CallToolResult:
    scope = _scope(context)
    outcome = await run(
        params.name,
        params.arguments,
        scope["retainer.principal"],
        scope["app"].state.house,
        str(scope.get("retainer.request_id", "")),
    )
    if outcome.refused:
        scope["retainer.code"] = outcome.view["code"]
    text = json.dumps(outcome.view, ensure_ascii=False, separators=(",", ":"))
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=outcome.view, is_error=outcome.refused
    )


def _scope(context: ServerRequestContext[Any, Any]) -> Any:
    assert context.request is not None  # noqa: S101 - every message comes by a request of HTTP
    return context.request.scope


def _published(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.about,
        input_schema=tool.schema,
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.write is None,
            destructive_hint=False if tool.write is None else tool.name != "open_ticket",
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
