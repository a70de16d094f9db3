// Says so when the token was not the right one.
if (location.search === "?wrong") {
  document.getElementById("wrong").textContent = "That is not the token.";
}
