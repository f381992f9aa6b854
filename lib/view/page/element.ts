/** An element of the page by its id. Throws where the page has none of that kind. */
export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
	const found = document.getElementById(id);
	if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
	return found;
}

/** A new element with a text. */
export function textElement<Tag extends keyof HTMLElementTagNameMap>(
	tag: Tag,
	text: string,
): HTMLElementTagNameMap[Tag] {
	const made = document.createElement(tag);
	made.textContent = text;
	return made;
}
