import { element } from './element.js';

/** The line under the player that says what is wrong, and what to do about it. */
export class MessageLine {
	readonly #line = element('message', HTMLElement);
	#timer = 0;

	get isEmpty(): boolean {
		return this.#line.textContent === '';
	}

	/** Shows a message in place of the one before, until the next; `forMs`: no longer than that. */
	say(message: string, forMs?: number): void {
		this.#line.textContent = message;
		clearTimeout(this.#timer);
		if (forMs !== undefined) this.#timer = setTimeout(() => this.say(''), forMs);
	}
}
