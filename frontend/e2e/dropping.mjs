/** Drops files on the page, as text. */
export async function drop(page, files) {
  const held = await page.evaluateHandle((given) => {
    const transfer = new DataTransfer();
    for (const { name, text } of given) transfer.items.add(new File([text], name));
    return transfer;
  }, files);
  await page.locator("body").dispatchEvent("drop", { dataTransfer: held });
}
