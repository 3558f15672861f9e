// OpenAI's client for Node against /v1: `node openai.mjs URL ask|stop|refused`, one JSON line.
import OpenAI from "openai";

const [url, what] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
const asked = {
  model: "citestream",
  messages: [{ role: "user", content: "What are the side effects of aripiprazole?" }],
};
const told = await { ask, stop, refused }[what]();
console.log(JSON.stringify(told));

async function ask() {
  const models = (await client.models.list()).data.map((model) => model.id);
  const stream = await client.chat.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  });
  let streamed = "";
  let annotations = [];
  let usage = null;
  for await (const chunk of stream) {
    const delta = chunk.choices[0]?.delta ?? {};
    streamed += delta.content ?? "";
    annotations = delta.annotations ?? annotations;
    usage = chunk.usage ?? usage;
  }
  const whole = await client.chat.completions.create({ ...asked, append_sources: false });
  return { models, streamed, annotations, usage, whole: whole.choices[0].message };
}

async function stop() {
  const stream = await client.chat.completions.create({ ...asked, stream: true });
  let text = "";
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    if (text) stream.controller.abort();
  }
  return { text };
}

async function refused() {
  try {
    await client.chat.completions.create({ ...asked, n: 2 });
  } catch (error) {
    return { status: error.status, param: error.param, name: error.constructor.name };
  }
  return {};
}
