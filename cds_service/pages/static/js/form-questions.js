// The questions: each with what is on record, answered by one press or one key.

import { el } from "./demo-dom.js";

const CHOICES = [
  ["yes", "Yes", "y"],
  ["no", "No", "n"],
  ["unknown", "Unknown", "u"],
];

/** The list of questions. `onAnswer` is called with each change; answers stay where they were given. */
export class Questions {
  constructor(list, texts, onAnswer) {
    this.list = list;
    this.texts = texts;
    this.onAnswer = onAnswer;
    this.answers = {};
    this.locked = false;
    list.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** Show what is answered and what is open: what was shown stays in its place, and nothing that is focused moves. */
  show(answered, open) {
    const wanted = new Map([...answered, ...open].map((question) => [question.id, question]));
    for (const item of this.items()) {
      if (!wanted.has(item.dataset.question)) {
        item.remove();
      }
      wanted.delete(item.dataset.question);
    }
    for (const question of wanted.values()) {
      this.list.append(this.element(question));
    }
  }

  /** Take no more answers while it is locked. */
  lock(isLocked) {
    this.locked = isLocked;
    for (const button of this.list.querySelectorAll("button")) {
      button.disabled = isLocked;
    }
  }

  items() {
    return [...this.list.children];
  }

  /** Bring the keyboard to the first question without an answer; return whether there is one. */
  focusOpen() {
    const open = this.items().find((item) => !(item.dataset.question in this.answers));
    open?.focus();
    return Boolean(open);
  }

  /** Whether the keyboard still waits here, or where a question was that is gone: only then may the focus be moved. */
  awaitsFocus(item) {
    const at = document.activeElement;
    return at === document.body || Boolean(item?.contains(at));
  }

  element(question) {
    const title = `question-${question.id}`;
    const buttons = CHOICES.map(([code, word]) => {
      const button = el("button", { type: "button", className: "outline", "aria-pressed": "false", tabIndex: -1 }, word);
      button.dataset.code = code;
      button.addEventListener("click", () => this.answer(question.id, code));
      return button;
    });
    const record = question.evidence.length
      ? el("ul", { className: "record", "aria-label": this.texts.record }, ...question.evidence.map((words) => el("li", {}, words)))
      : null;
    const item = el(
      "div",
      { className: "question", role: "group", tabIndex: 0, "aria-labelledby": title, "aria-describedby": "keys" },
      el("p", { id: title, className: "asked" }, question.text),
      record,
      el("div", { className: "choices" }, ...buttons),
    );
    item.dataset.question = question.id;
    return item;
  }

  answer(id, code) {
    if (this.locked) {
      return;
    }
    this.answers[id] = code;
    const item = this.items().find((found) => found.dataset.question === id);
    for (const button of item.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.code === code));
      button.classList.toggle("outline", button.dataset.code !== code);
    }
    // At once, not when the advice has come: the next key is for the next question.
    this.focusOpen();
    this.onAnswer(item);
  }

  pressed(event) {
    const item = event.target.closest(".question");
    // A key that is held down answers one question, not all of them.
    if (!item || event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const choice = CHOICES.find(([, , key]) => key === event.key.toLowerCase());
    if (choice) {
      event.preventDefault();
      this.answer(item.dataset.question, choice[0]);
      return;
    }
    this.move(event, item);
  }

  /** Up and down go from question to question, left and right from choice to choice. */
  move(event, item) {
    const buttons = [...item.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const to = {
      ArrowDown: () => item.nextElementSibling,
      ArrowUp: () => item.previousElementSibling,
      ArrowRight: () => buttons[Math.min(at + 1, buttons.length - 1)],
      ArrowLeft: () => (at > 0 ? buttons[at - 1] : item),
    }[event.key]?.();
    if (to) {
      event.preventDefault();
      to.focus();
    }
  }
}
