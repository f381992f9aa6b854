import { type FileHandle, open, rm, truncate } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../errors.js';
import type { ExportedFragment } from './export-manifest.js';
import {
	type ExportPast,
	type JournalStep,
	linesOf,
	NO_PAST,
	readPast,
	type SealedFile,
} from './export-past.js';
import type { ExportRequest } from './export-request.js';

/**
 * What an export has done so far, a line a fragment, beside the file it is to become: a process that is killed leaves it,
 * and the next one goes on from it. A line counts once its line feed is there.
 */
export class ExportJournal {
	readonly #path: string;
	readonly #handle: FileHandle;

	private constructor(path: string, handle: FileHandle) {
		this.#path = path;
		this.#handle = handle;
	}

	/**
	 * Opens the journal of `file` and reads where the export was stopped; begins a new one where there is none, or where it
	 * is about another request, and tells how many fragments had been done for that one.
	 */
	static async open(
		file: string,
		request: ExportRequest,
	): Promise<{ journal: ExportJournal; past: ExportPast; discarded: number }> {
		const path = journalPath(file);
		try {
			const found = await readPast(path);
			if (found !== null && isDeepStrictEqual(found.request, request)) {
				// What comes behind was being written when the process was killed.
				await truncate(path, found.validBytes);
				const handle = await open(path, 'a', 0o600);
				return { journal: new ExportJournal(path, handle), past: found.past, discarded: 0 };
			}
			const discarded = await ExportJournal.discard(file);
			const handle = await open(path, 'ax', 0o600);
			await handle.appendFile(lineOf(null, { request }));
			return { journal: new ExportJournal(path, handle), past: NO_PAST, discarded };
		} catch (error) {
			throw failure(path, error);
		}
	}

	/** Forgets what an export has done so far, and removes what it has written. Tells how many fragments that were. */
	static async discard(file: string): Promise<number> {
		const path = journalPath(file);
		const found = await readPast(path);
		const parts = found === null ? [] : [...found.past.sealed.map(({ part }) => part), ...found.parts];
		for (const part of parts) await rm(join(dirname(file), part), { force: true });
		await rm(path, { force: true });
		return found?.past.known.size ?? 0;
	}

	/** Writes down a step. */
	async step({ fragment, ...rest }: JournalStep): Promise<void> {
		await this.#append(fragment, rest);
	}

	/** Writes down that everything is written, and the files that were sealed at the end. */
	async end(sealed: readonly SealedFile[]): Promise<void> {
		await this.#append(null, { sealed });
		await this.#handle.sync().catch((error) => {
			throw failure(this.#path, error);
		});
	}

	/** Leaves it for the next process. */
	async leave(): Promise<void> {
		await this.#handle.close();
	}

	/** It has served its purpose. */
	async remove(): Promise<void> {
		await this.#handle.close();
		await rm(this.#path, { force: true });
	}

	/** The fragments that the journal of `file` tells of, in order, as JSON; with `hasRanges` off, without the places of their bytes. */
	static async *fragments(
		file: string,
		{ hasRanges }: { readonly hasRanges: boolean },
	): AsyncGenerator<string> {
		for await (const { fragmentText: text } of linesOf(journalPath(file))) {
			if (text === '') continue;
			yield hasRanges ? text : JSON.stringify({ ...(JSON.parse(text) as ExportedFragment), ranges: [] });
		}
	}

	async #append(fragment: ExportedFragment | null, rest: object): Promise<void> {
		try {
			await this.#handle.appendFile(lineOf(fragment, rest));
		} catch (error) {
			throw failure(this.#path, error);
		}
	}
}

/** A line: what the manifest will say of the fragment, and behind a tab, which JSON never has, what is needed to go on. */
function lineOf(fragment: ExportedFragment | null, rest: object): string {
	return `${fragment === null ? '' : JSON.stringify(fragment)}\t${JSON.stringify(rest)}\n`;
}

/** Where the journal of an export is. */
function journalPath(file: string): string {
	return join(dirname(file), `.${basename(file)}.journal.part`);
}

function failure(path: string, cause: unknown): SinkError {
	if (cause instanceof SinkError) return cause;
	const { message } = cause as Error;
	return new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${message}`, cause);
}
