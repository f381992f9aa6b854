import { basename, extname } from 'node:path';
import type { Track } from '../model/track.js';

/** What stands between the stem and the ending: a number, and what tells files of the same number apart. */
const MIDDLE = /^(-[0-9]{3,9})?(-[A-Za-z0-9_-]{1,90})?$/;

/** The names of the files of an export, made from the one that was asked for. */
export class ExportNames {
	readonly #stem: string;
	readonly #ending: string;

	constructor(file: string) {
		this.#ending = extname(file);
		this.#stem = basename(file, this.#ending);
	}

	/**
	 * Name of file `number`, counted from 0, without its directory: `x.mp4`, where there are several `x-001.mp4`, and for one
	 * of those that are written side by side `x-customer.wav`.
	 */
	name(number: number, { isNumbered, suffix }: { isNumbered: boolean; suffix: string | null }): string {
		const parts = [this.#stem];
		if (isNumbered) parts.push(String(number + 1).padStart(3, '0'));
		if (suffix !== null) parts.push(suffix);
		return `${parts.join('-')}${this.#ending}`;
	}

	/** Whether {@link ExportNames.name} gives this name, to any file. What a manifest or a journal names is not trusted before. */
	isOwn(name: unknown): boolean {
		if (typeof name !== 'string' || !name.startsWith(this.#stem) || !name.endsWith(this.#ending))
			return false;
		const middleEnd = name.length - this.#ending.length;
		return middleEnd >= this.#stem.length && MIDDLE.test(name.slice(this.#stem.length, middleEnd));
	}

	/** Whether it is the name of the part of such a file. */
	isOwnPart(name: unknown): boolean {
		if (typeof name !== 'string' || !name.startsWith('.') || !name.endsWith('.part')) return false;
		return this.isOwn(name.slice(1, -'.part'.length));
	}
}

/** What a track is called in a file's name, and no other of `tracks`. */
export function suffixOf(track: Track, tracks: readonly Track[]): string {
	const suffix = trackSuffix(track);
	const isUnique = tracks.every((other) => other === track || trackSuffix(other) !== suffix);
	return isUnique ? suffix : `${suffix}-${track.number}`;
}

/** Its own name where that can be part of one, else its number. */
function trackSuffix({ name, number }: Track): string {
	const clean = (name ?? '').replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
	return clean === '' || clean.length > 64 ? `track${number}` : clean;
}
