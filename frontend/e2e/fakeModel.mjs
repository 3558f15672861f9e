import { createServer } from "node:http";

/**
 * An OpenAI-compatible endpoint that always says the same; `end` makes it unreachable. With
 * thoughts it thinks first, and answers after `goOn`.
 */
export class FakeModel {
  #server;
  #words;
  #thoughts;
  #mayAnswer = new Promise((resolve) => {
    this.goOn = resolve;
  });
  asked = 0;
  lastPassages = "";

  constructor(words, thoughts) {
    this.#words = words;
    this.#thoughts = thoughts;
    if (thoughts.length === 0) this.goOn();
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(words, thoughts = []) {
    const model = new FakeModel(words, thoughts);
    await new Promise((resolve) => model.#server.listen(0, "127.0.0.1", resolve));
    return model;
  }

  get port() {
    return this.#server.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  async end() {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request, response) {
    if (request.url !== "/v1/chat/completions") {
      response.writeHead(404).end();
      return;
    }
    let body = "";
    for await (const data of request) body += data;
    this.asked += 1;
    this.lastPassages = JSON.parse(body).messages.at(-1).content;
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const frame = (choice) => `data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", choices: [choice] })}\n\n`;
    for (const thought of this.#thoughts) {
      response.write(frame({ index: 0, delta: { reasoning_content: thought } }));
      await new Promise((resume) => setTimeout(resume, 60));
    }
    await this.#mayAnswer;
    for (const content of this.#words) response.write(frame({ index: 0, delta: { content } }));
    response.write(frame({ index: 0, delta: {}, finish_reason: "stop" }));
    response.end("data: [DONE]\n\n");
  }
}
