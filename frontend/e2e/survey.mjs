const FACT = "The heron colony at Quarrington Weir counted 47 nests in the spring of 2026";
const PAGES = `<!doctype html><title>Heron survey</title>
  <style>body { font: 13pt/1.5 serif; margin: 0 } section + section { break-before: page }</style>
  <section><h1>Survey of the weir</h1><p>This report lists what was seen along the river during
  the spring survey. Its second page gives the counts of each colony.</p></section>
  <section><h2>Colonies</h2><p>All colonies were counted from the opposite bank, on two mornings
  without wind, by the same two people.</p><p>${FACT}, six more than in the year before. The count
  was repeated a week later with the same result.</p><p>Terns were seen on the gravel below the
  weir but did not stay. The sand martins have left the eastern bank, which slid in February.</p>
  </section>`;

export const ASKED_OF_SURVEY = "How many nests did the heron colony at Quarrington Weir count?";

/** Prints a report of two pages and brings it into the library through the page. */
export async function addSurvey(chat) {
  const printer = await chat.page.context().newPage();
  await printer.setContent(PAGES);
  const buffer = await printer.pdf({
    format: "A5",
    margin: { top: "2cm", right: "2cm", bottom: "2cm", left: "2cm" },
  });
  await printer.close();
  const file = { name: "heron-survey.pdf", mimeType: "application/pdf", buffer };
  await chat.page.getByLabel("Files for the library").setInputFiles(file);
  await chat.page.getByText(/^(Ready:|In the library already)/).waitFor({ timeout: 60_000 });
  await chat.page.getByRole("button", { name: "Close uploads" }).click();
}
