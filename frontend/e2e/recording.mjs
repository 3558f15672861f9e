import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ChatPage, QUESTION } from "./chatPage.mjs";

const PYTHON = join(import.meta.dirname, "../../.venv/bin/python");
const VIEWPORT = { width: 960, height: 600 };
const STEP_MS = 120;
/** How long each picture is shown: the time that passed until the next, in the end a while longer. */
const ANIMATE = `
import json, sys
from PIL import Image
target, *names = sys.argv[1:]
times = json.loads(names.pop())
frames = [Image.open(name).convert("RGB").resize((720, 450), Image.LANCZOS) for name in names]
palette = frames[-1].quantize(96, dither=Image.Dither.NONE)
frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
frames[0].save(target, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
`;

/** An answer streamed, stopped and gone on with, as an animated picture. */
export async function takeRecording(browser, folder) {
  const frames = await mkdtemp(join(tmpdir(), "citestream-recording-"));
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: "light" });
  const pictures = [];
  const times = [];
  const chat = await ChatPage.open(context);
  const shoot = async () => {
    const path = join(frames, `${String(pictures.length).padStart(4, "0")}.png`);
    const began = Date.now();
    await chat.page.screenshot({ path });
    await chat.page.waitForTimeout(Math.max(0, STEP_MS - (Date.now() - began)));
    pictures.push(path);
    times.push(Math.min(400, Date.now() - began));
  };
  const shootUntil = async (holds) => {
    do await shoot();
    while (!(await holds()));
  };
  try {
    await chat.page.locator("main li > button").first().waitFor();
    await shoot();
    await chat.composer.pressSequentially(QUESTION, { delay: 5 });
    await shoot();
    await chat.composer.press("Enter");
    await shootUntil(async () => (await chat.text()).length > 420);
    await chat.page.keyboard.press("Escape");
    await chat.page.getByText(/tokens? kept/).waitFor();
    await shoot();
    times[times.length - 1] = 1_800;
    await chat.page.getByRole("button", { name: "Continue" }).click();
    await shootUntil(async () => (await chat.phase()) === "complete");
    await shoot();
    times[times.length - 1] = 3_000;
    const target = join(folder, "streamed-stopped-continued.gif");
    await promisify(execFile)(PYTHON, ["-c", ANIMATE, target, ...pictures, JSON.stringify(times)]);
  } finally {
    await context.close();
    await rm(frames, { recursive: true, force: true });
  }
}
