import type { Definition, LinkReference, Paragraph, Parent, PhrasingContent, Root, Text } from "mdast";
import { SKIP, visit, type VisitorResult } from "unist-util-visit";

const MARK = /\[(\d{1,3})\]/g;
const NUMBER = /^\d{1,3}$/;

/** A `[n]` in running text; becomes a `cite` element with `data-marker`. */
function markNode(marker: string): PhrasingContent {
  return {
    type: "emphasis",
    data: { hName: "cite", hProperties: { dataMarker: marker } },
    children: [],
  };
}

function splitText(value: string): PhrasingContent[] {
  const nodes: PhrasingContent[] = [];
  let end = 0;
  for (const match of value.matchAll(MARK)) {
    if (match.index > end) nodes.push({ type: "text", value: value.slice(end, match.index) });
    nodes.push(markNode(match[1] ?? ""));
    end = match.index + match[0].length;
  }
  if (end < value.length) nodes.push({ type: "text", value: value.slice(end) });
  return nodes;
}

function onText(node: Text, index: number, parent: Parent): VisitorResult {
  if (parent.type === "link" || !node.value.includes("[")) return undefined;
  const nodes = splitText(node.value);
  parent.children.splice(index, 1, ...nodes);
  return [SKIP, index + nodes.length];
}

/** Without this, a last line `[1]: …` would turn every mark into a link the model chose. */
function onDefinition(node: Definition, index: number, parent: Parent): VisitorResult {
  const title = node.title == null ? "" : ` "${node.title}"`;
  const line: Paragraph = {
    type: "paragraph",
    children: [markNode(node.identifier), { type: "text", value: `: ${node.url}${title}` }],
  };
  parent.children.splice(index, 1, line);
  return [SKIP, index + 1];
}

function onReference(node: LinkReference, index: number, parent: Parent) {
  parent.children.splice(index, 1, ...node.children, markNode(node.identifier));
  return index;
}

/** Turns citation markers outside code, links and maths into `cite` elements. */
export function remarkMarks() {
  return (tree: Root): void => {
    visit(tree, (node, index, parent) => {
      if (index === undefined || parent === undefined) return undefined;
      if (node.type === "text") return onText(node, index, parent);
      if (node.type === "definition" && NUMBER.test(node.identifier)) {
        return onDefinition(node, index, parent);
      }
      if (node.type === "linkReference" && NUMBER.test(node.identifier)) {
        return onReference(node, index, parent);
      }
      return undefined;
    });
  };
}
