/** What markdown parsers are slow at when it is repeated: delimiters, nesting, many small parts. */
export const HOSTILE = [
  ...["**_", "- - ", "[a][b]", ">>>>", "+ * - ", "> - ", "1) ", "*a_", "[1]", "`a", "~~", "![a](", "www.a_"],
  ...["a._-@", "- a\n", "a\n", "|a|\n|-|\n", "|a", "$$x", "\\(x", "<b>", "[^a]: ", "[a]: b\n", "```\n", "\n"],
  ..."*_[]()`<>|!&\\#.@~-+ \t$".split(""),
];
