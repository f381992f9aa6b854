import { element } from './element.js';

/** The line under the player that says what is wrong, and what to do about it. */
export class MessageLine {
	readonly #line = element('message', HTMLElement);
	#timer = 0;
	#about: string | null = null;

	get isEmpty(): boolean {
		return this.#line.textContent === '';
	}

	/** Shows a message in place of the one before, until the next; `forMs`: no longer than that; `about`: or until that is withdrawn. */
	say(message: string, { forMs, about }: { readonly forMs?: number; readonly about?: string } = {}): void {
		this.#about = about ?? null;
		this.#line.textContent = message;
		clearTimeout(this.#timer);
		if (forMs !== undefined) this.#timer = setTimeout(() => this.say(''), forMs);
	}

	/** What was said about this is over. */
	withdraw(about: string): void {
		if (this.#about === about) this.say('');
	}
}
