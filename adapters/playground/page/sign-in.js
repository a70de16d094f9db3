// Says so when the token was not the right one, and keeps in mind where to go on.
const asked = new URLSearchParams(location.search);
if (asked.has("to")) {
  document.querySelector("form").action = `/sign-in?${new URLSearchParams({ to: asked.get("to") })}`;
}
if (asked.has("wrong")) {
  document.getElementById("wrong").textContent = "That is not the token.";
}
