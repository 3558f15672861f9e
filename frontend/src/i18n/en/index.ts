import app from "./app.json" with { type: "json" };
import chat from "./chat.json" with { type: "json" };
import citations from "./citations.json" with { type: "json" };
import history from "./history.json" with { type: "json" };
import library from "./library.json" with { type: "json" };
import models from "./models.json" with { type: "json" };
import settings from "./settings.json" with { type: "json" };
import sources from "./sources.json" with { type: "json" };
import ui from "./ui.json" with { type: "json" };

export default { app, chat, citations, history, library, models, settings, sources, ui };
