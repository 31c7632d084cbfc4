document.title = "Waypost";
