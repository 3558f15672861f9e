"""The usual tutorial loop: ChatOpenAI, a small graph, a response, one frame per token.

Frozen: `bench.speed` compares every figure with it. `python -m bench.baseline PORT UPSTREAM_URL`.
"""

import json
import sys
from collections.abc import AsyncIterator
from typing import TypedDict

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, SecretStr

CONTEXT = "The side effects are headache, nausea and restlessness."


class Asked(BaseModel):
    """The request body."""

    message: str


class State(TypedDict, total=False):
    """The state of the graph."""

    question: str
    context: str
    answer: str


def make_app(upstream: str) -> FastAPI:
    model = ChatOpenAI(model="fake", base_url=upstream, api_key=SecretStr("none"), streaming=True)
    graph = _graph(model)
    app = FastAPI()

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/chat")
    async def chat(asked: Asked) -> StreamingResponse:
        return StreamingResponse(_frames(graph, asked.message), media_type="text/event-stream")

    return app


def _graph(model: ChatOpenAI) -> Runnable[State, State]:
    async def retrieve(state: State) -> State:
        return {"context": CONTEXT}

    async def generate(state: State) -> State:
        prompt = f"Context: {state['context']}\n\nQuestion: {state['question']}"
        reply = await model.ainvoke([("system", "Answer from the context."), ("human", prompt)])
        return {"answer": str(reply.content)}

    graph = StateGraph(State)
    graph.add_node("retrieve", retrieve)
    graph.add_node("generate", generate)
    graph.add_edge(START, "retrieve")
    graph.add_edge("retrieve", "generate")
    graph.add_edge("generate", END)
    return graph.compile()


async def _frames(graph: Runnable[State, State], message: str) -> AsyncIterator[str]:
    async for event in graph.astream_events({"question": message}, version="v2"):
        if event["event"] == "on_chat_model_stream":
            text = event["data"]["chunk"].content
            if text:
                yield f"data: {json.dumps({'type': 'token', 'content': text})}\n\n"
    yield f"data: {json.dumps({'type': 'done'})}\n\n"


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[2]), port=int(sys.argv[1]), log_level="warning")
