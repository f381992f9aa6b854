import type { FragmentDetails } from '../../view-responses.js';
import type { ArchiveClock } from '../address.js';
import { StreamApi } from '../api/stream-api.js';
import { lengthText, rateText, sizeText, timeText, type Zone } from '../clock-text.js';
import { element, textElement } from '../element.js';
import { errorText } from '../suggestion.js';
import type { PlacedFragment } from '../timeline/tile.js';

/** How long one stays at a fragment until it is read, in milliseconds. */
const STAY_MS = 350;

/** Fragments whose details are kept. */
const MAX_KEPT = 64;

/** The panel that says what is in the fragment under the playhead. */
export class DetailsPanel {
	readonly #onFailed: (stream: string, fragmentNumber: string) => void;
	readonly #list = element('details', HTMLElement);
	readonly #copy = element('copy-number', HTMLButtonElement);
	readonly #kept = new Map<string, FragmentDetails>();
	#reading: AbortController | null = null;
	#timer = 0;
	#shown: string | null = null;
	#zone: Zone = 'utc';
	/** Whether what is shown could not be read, and is to be read again. */
	#isFailed = false;

	/** `onFailed`: a fragment was found to have failed. */
	constructor(onFailed: (stream: string, fragmentNumber: string) => void) {
		this.#onFailed = onFailed;
		this.#copy.addEventListener('click', () => {
			if (this.#shown === null) return;
			void navigator.clipboard.writeText(this.#shown).then(() => {
				this.#copy.textContent = 'Copied';
				setTimeout(() => {
					this.#copy.textContent = 'Copy its number';
				}, 1500);
			});
		});
		this.#say([['', 'Nothing is recorded under the playhead.']]);
	}

	/** Shows a fragment; null where there is none. */
	show(
		stream: string,
		fragment: PlacedFragment | null,
		{ clock, zone }: { clock: ArchiveClock; zone: Zone },
	): void {
		if (fragment === null) {
			this.#stop();
			this.#shown = null;
			this.#copy.disabled = true;
			this.#say([['', 'Nothing is recorded under the playhead.']]);
			return;
		}
		if (fragment.number === this.#shown && zone === this.#zone && !this.#isFailed) return;
		this.#stop();
		this.#isFailed = false;
		this.#zone = zone;
		this.#shown = fragment.number;
		this.#copy.disabled = false;
		const listed = listedLines(fragment, zone);
		const known = this.#kept.get(fragment.number);
		if (known !== undefined) {
			this.#say([...listed, ...readLines(known)]);
			return;
		}
		this.#say(listed);
		this.#timer = setTimeout(() => void this.#read(stream, fragment, clock, listed), STAY_MS);
	}

	#stop(): void {
		clearTimeout(this.#timer);
		this.#reading?.abort();
		this.#reading = null;
	}

	async #read(
		stream: string,
		{ number, startMs }: PlacedFragment,
		clock: ArchiveClock,
		listed: readonly Line[],
	): Promise<void> {
		const reading = new AbortController();
		this.#reading = reading;
		try {
			const details = await new StreamApi(stream, clock).fragment({ number, at: startMs }, reading.signal);
			this.#kept.set(number, details);
			const [oldest] = this.#kept.keys();
			if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
			if (details.failures.length > 0) this.#onFailed(stream, number);
			if (this.#shown === number) this.#say([...listed, ...readLines(details)]);
		} catch (error) {
			if (reading.signal.aborted) return;
			this.#isFailed = true;
			this.#say([...listed, ['Tracks', errorText(error)]]);
		}
	}

	#say(lines: readonly Line[]): void {
		this.#list.replaceChildren(
			...lines.flatMap(([name, value]) => [textElement('dt', name || 'Fragment'), textElement('dd', value)]),
		);
	}
}

type Line = readonly [name: string, value: string];

function listedLines(
	{ number, producerMs, serverMs, lengthMs, sizeBytes }: PlacedFragment,
	zone: Zone,
): Line[] {
	return [
		['Number', number],
		['Producer time', timeText(producerMs, zone)],
		['Server time', timeText(serverMs, zone)],
		['Length', lengthText(lengthMs)],
		['Size', `${sizeText(sizeBytes)}${lengthMs > 0 ? `, ${rateText((sizeBytes * 8000) / lengthMs)}` : ''}`],
	];
}

function readLines({ tracks, tags, frames, keyframes, failures, hasVideo }: FragmentDetails): Line[] {
	return [
		...tracks.map((text, index): Line => [`Track ${index + 1}`, text]),
		...(hasVideo || tracks.length === 0 ? [] : [['Video', 'none: audio only'] satisfies Line]),
		['Frames', `${frames}, of which ${keyframes} key frames`],
		...tags.map(([name, value]): Line => [`Tag ${name}`, value]),
		...failures.map(({ name, message }): Line => ['Failed', `${name}: ${message}`]),
	];
}
