import type { ListedStream } from '../../view-responses.js';
import type { ArchiveApi } from '../api/archive-api.js';
import { element, textElement } from '../element.js';
import { errorText } from '../suggestion.js';

/** The list of streams that the page begins with where none was named. */
export class StreamList {
	readonly #api: ArchiveApi;
	readonly #section = element('streams', HTMLElement);
	readonly #message = element('streams-message', HTMLParagraphElement);
	readonly #list = element('stream-list', HTMLUListElement);
	readonly #names = element('known-streams', HTMLDataListElement);
	readonly #onChoose: (stream: string) => void;
	#streams: readonly ListedStream[] = [];

	constructor(api: ArchiveApi, onChoose: (stream: string) => void) {
		this.#api = api;
		this.#onChoose = onChoose;
	}

	/** How long a stream keeps what comes, in hours; null where that is not known. */
	retentionHours(stream: string): number | null {
		return this.#streams.find(({ name }) => name === stream)?.retentionHours ?? null;
	}

	/** Reads the streams of the account: for names to choose from, too. */
	async load(): Promise<void> {
		try {
			this.#streams = await this.#api.streams();
			this.#message.textContent =
				this.#streams.length === 0
					? 'There are no streams in this account and region. Make one, or start `kvs-archive view` with another --region or --endpoint.'
					: '';
		} catch (error) {
			// Listing needs a permission of its own; a stream that is named can be shown without it.
			this.#message.textContent = `The streams cannot be listed: ${errorText(error)} Start \`kvs-archive view --stream NAME\` to see one by its name.`;
		}
		this.#names.replaceChildren(
			...this.#streams.map(({ name }) => {
				const option = document.createElement('option');
				option.value = name;
				return option;
			}),
		);
		this.#list.replaceChildren(
			...this.#streams.map((stream) => {
				const button = textElement('button', stream.name);
				button.type = 'button';
				button.addEventListener('click', () => this.#onChoose(stream.name));
				const item = document.createElement('li');
				item.append(button, ` ${retentionText(stream)}`);
				return item;
			}),
		);
	}

	set isShown(isShown: boolean) {
		this.#section.hidden = !isShown;
	}
}

function retentionText({ retentionHours, status }: ListedStream): string {
	const keeps = retentionHours === 0 ? 'keeps nothing (retention 0)' : `keeps ${retentionHours} hours`;
	return status === 'ACTIVE' ? keeps : `${keeps}, ${status.toLowerCase()}`;
}
