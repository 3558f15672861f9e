import js from "@eslint/js";
import importX from "eslint-plugin-import-x";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const ROOMS = [
  "app",
  "auth",
  "chat",
  "citations",
  "history",
  "i18n",
  "library",
  "models",
  "protocol",
  "settings",
  "sources",
  "ui",
];
// The rooms that each room may import from.
const MAY_IMPORT = {
  app: ROOMS,
  auth: ["i18n", "protocol", "ui"],
  chat: ["i18n", "protocol", "ui"],
  citations: ["i18n", "protocol", "ui"],
  history: ["i18n", "protocol", "ui"],
  i18n: [],
  library: ["i18n", "protocol", "sources", "ui"],
  models: ["i18n", "protocol", "ui"],
  protocol: [],
  settings: ["i18n", "protocol", "ui"],
  sources: ["i18n", "protocol", "ui"],
  ui: ["i18n"],
};
const zones = ROOMS.map((room) => ({
  target: `./src/${room}`,
  from: ROOMS.filter((other) => other !== room && !MAY_IMPORT[room].includes(other)).map(
    (other) => `./src/${other}`,
  ),
})).filter((zone) => zone.from.length > 0);
// Inside the chat, components use the session, and both use the state.
const chatZones = [
  { target: "./src/chat/state", from: ["./src/chat/session", "./src/chat/components"] },
  { target: "./src/chat/session", from: ["./src/chat/components"] },
];

/** Silencing a rule takes a reason: `eslint-disable-next-line the-rule -- why it does not apply`. */
const reasons = {
  rules: {
    required: {
      create: (context) => ({
        Program() {
          for (const comment of context.sourceCode.getAllComments()) {
            if (!/^\s*(?:eslint|oxlint)-disable/.test(comment.value) || /\s--\s+\S/.test(comment.value)) continue;
            context.report({ loc: comment.loc, message: "Say why the rule does not apply here: -- reason." });
          }
        },
      }),
    },
  },
};

export default tseslint.config(
  { ignores: ["dist", "coverage", "src/protocol/*.gen.ts"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { reasons },
    rules: { "reasons/required": "error" },
  },
  {
    files: ["src/**/*.{ts,tsx}", "build/*.ts", "vite.config.ts"],
    languageOptions: { parser: tseslint.parser },
    plugins: { "import-x": importX },
    settings: {
      "import-x/resolver-next": [importX.createNodeResolver({ extensions: [".ts", ".tsx"] })],
    },
    rules: {
      // The compiler and oxlint (.oxlintrc.json), which know the types, look after these.
      "no-undef": "off",
      "no-unused-vars": "off",
      "import-x/no-cycle": "error",
      "import-x/no-extraneous-dependencies": ["error", { includeTypes: true }],
      "import-x/no-restricted-paths": ["error", { zones: [...zones, ...chatZones], basePath: import.meta.dirname }],
      "no-restricted-imports": [
        "error",
        { name: "react-i18next", importNames: ["useTranslation"], message: "Use useT: there is one t." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text from models, documents and people is data, never markup.",
        },
      ],
    },
  },
  {
    files: ["src/**/*.tsx", "src/**/use*.ts"],
    extends: [jsxA11y.flatConfigs.strict, reactHooks.configs.flat["recommended-latest"]],
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/**/*.test.{ts,tsx}", "src/protocol/**"],
    rules: {
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", { max: 80, skipComments: true }],
    },
  },
  { files: ["src/**/use*.ts"], rules: { "max-lines": ["error", 120] } },
  { files: ["*.js", "scripts/**/*.mjs", "e2e/**/*.mjs"], languageOptions: { globals: globals.node } },
  { files: ["e2e/**/*.mjs"], languageOptions: { globals: globals.browser } },
);
