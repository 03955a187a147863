"use strict";
HTMLFormElement.prototype.submit.call(document.getElementById("answer"));
