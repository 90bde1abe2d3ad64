// The API page.
