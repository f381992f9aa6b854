import { element, textElement } from '../element.js';

/** The panel of the streams that are shown side by side. */
export class ShownStreams {
	readonly #list = element('shown-streams', HTMLUListElement);
	readonly #onChange: (streams: readonly string[]) => void;
	#streams: readonly string[] = [];

	/** `onChange`: these are to be shown. */
	constructor(onChange: (streams: readonly string[]) => void) {
		this.#onChange = onChange;
		const name = element('add-stream-name', HTMLInputElement);
		element('add-stream', HTMLFormElement).addEventListener('submit', (event) => {
			event.preventDefault();
			if (name.value.trim() !== '') onChange([...this.#streams, name.value.trim()]);
			name.value = '';
		});
	}

	show(streams: readonly string[]): void {
		this.#streams = streams;
		this.#list.replaceChildren(...streams.map((stream) => this.#item(stream)));
	}

	#item(stream: string): HTMLLIElement {
		const item = textElement('li', `${stream} `);
		const remove = textElement('button', 'Remove');
		remove.type = 'button';
		remove.setAttribute('aria-label', `Remove ${stream}`);
		remove.disabled = this.#streams.length === 1;
		remove.addEventListener('click', () => this.#onChange(this.#streams.filter((name) => name !== stream)));
		item.append(remove);
		return item;
	}
}
