// The API page: Swagger UI on this service's own description. What is tried is sent to the address that the page came
// from, since the policy of the page lets nothing out, and a configured public address may be another one.

// What Swagger UI leaves without a name for screen readers, or out of reach of the keyboard, and what to call it.
const NAMES = [
  [".body-param__text", "Request body"],
  [".examples-select-element", "Example"],
  [".opblock-section-request-body .body-param-content-type select, select.content-type", "Media type"],
  ["pre.microlight, .opblock-body", "Details"],
];

const place = document.getElementById("swagger-ui");

/** Let Swagger UI follow the colours that the system asks for; it has a class for dark ones. */
function followScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", apply);
  apply();
}

/** Name what has no name. */
function nameAll() {
  for (const [selector, name] of NAMES) {
    for (const element of place.querySelectorAll(selector)) {
      if (!element.hasAttribute("aria-label")) {
        element.setAttribute("aria-label", name);
        element.tabIndex = 0;
      }
    }
  }
  const operations = place.querySelector("main"); // the frame has a main part already
  operations?.setAttribute("role", "region");
  operations?.setAttribute("aria-label", "Operations");
}

/** Read the description and show it in place of the plain list. */
async function show() {
  const response = await fetch("/openapi.json");
  if (!response.ok) {
    return; // the list stays
  }
  const description = await response.json();
  delete description.servers;
  delete description.jsonSchemaDialect; // it warns of any that is named, also of the one that it reads
  new MutationObserver(nameAll).observe(place, { childList: true, subtree: true });
  window.SwaggerUIBundle({
    domNode: place,
    spec: description,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null,
    plugins: [{ wrapComponents: { InfoContainer: () => () => null } }], // the page has a heading of its own
  });
}

// Swagger UI scrolls smoothly to where links within a page lead, and then leaves the keyboard where it was.
document.querySelector(".skip-link").classList.add("noZensmooth");
followScheme();
show();
