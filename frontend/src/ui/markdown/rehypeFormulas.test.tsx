import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import MathBlock from "./MathBlock.tsx";
import { rehypeFormulas } from "./rehypeFormulas.ts";

const Mark = () => null;

type Root = Parameters<ReturnType<typeof rehypeFormulas>>[0];

function drawn(value: string, look = "math-inline") {
  const code: Root["children"][number] = {
    type: "element",
    tagName: "code",
    properties: { className: ["language-math", look] },
    children: [{ type: "text", value }],
  };
  const root: Root = { type: "root", children: [code] };
  rehypeFormulas()(root, { message: vi.fn() } as never);
  return root.children[0];
}

afterEach(cleanup);

it("typesets a formula once", () => {
  const once = drawn("a+b");
  expect(once).toMatchObject({ tagName: "span", properties: { className: ["katex"] } });
  expect(drawn("a+b")).toBe(once);
  expect(drawn("a+c")).not.toEqual(once);
  expect(drawn("a+b", "math-display")).not.toEqual(once);
});

it("draws a formula wherever it stands, each time the block is parsed", () => {
  const text = "one $$a$$ two $$b$$ three $$a$$\n\n$$\na\n$$";
  const maths = (markdown: string) => {
    const { container } = render(<MathBlock text={markdown} Mark={Mark} />);
    return [...container.querySelectorAll("math")].map((math) => [math.getAttribute("display"), math.querySelector("mi")?.textContent]);
  };
  const expected = [[null, "a"], [null, "b"], [null, "a"], ["block", "a"]];
  expect(maths(text)).toEqual(expected);
  cleanup();
  expect(maths(`${text}\n\nmore`)).toEqual(expected);
});

it("shows a formula that cannot be read as it was written, each time", () => {
  for (const text of ["$$\\frac{1$$", "$$\\frac{1$$ and more"]) {
    const { container } = render(<MathBlock text={text} Mark={Mark} />);
    expect(container.querySelector(".katex-error")?.textContent).toBe("\\frac{1");
    cleanup();
  }
});
