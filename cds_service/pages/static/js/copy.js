// Copy buttons. A button names the element whose text it copies: <button data-copy="element-id" hidden>Copy</button>.
// Without this script the button stays hidden and the text, which selects as a whole, is copied by hand.

const SHOWN_FOR = 2000; // ms

/** Copy the text of the button's element; where the clipboard may not be written, select it instead. */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const usual = button.dataset.label;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl+C";
  }
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = usual;
  }, SHOWN_FOR);
}

/** Say something to screen readers. */
export function announce(text) {
  let region = document.getElementById("announcements");
  if (!region) {
    region = document.createElement("div");
    region.id = "announcements";
    region.className = "visually-hidden";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = text;
}

/** Make the copy buttons below an element work. */
export function enableCopying(root = document) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.dataset.label = button.textContent;
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

enableCopying();
