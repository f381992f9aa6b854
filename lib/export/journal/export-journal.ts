import { type FileHandle, open, rm, truncate } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SinkError } from '../../errors.js';
import { counted } from '../../wording/counted.js';
import { createTrouble } from '../../wording/system-trouble.js';
import type { ExportedFragment } from '../export-manifest.js';
import { type ExportPast, type JournalStep, NO_PAST, readPast, type SealedFile } from '../export-past.js';
import type { ExportRequest } from '../export-request.js';
import { intactBytes } from './check-past.js';
import { formatJournalLine, JOURNAL_START, journalLines } from './journal-lines.js';

/**
 * What an export has done so far, a line a fragment, beside the file it is to become: a process that is killed leaves it,
 * and the next one goes on from it. A line counts once its line feed is there.
 */
export class ExportJournal {
	readonly #path: string;
	readonly #handle: FileHandle;
	/** Checksum of the last line. */
	#checksum: string;

	private constructor(path: string, handle: FileHandle, checksum: string) {
		this.#path = path;
		this.#handle = handle;
		this.#checksum = checksum;
	}

	/**
	 * Opens the journal of `file` and reads where the export was stopped, as far as what it has written is what it wrote;
	 * begins a new one where there is none, or where it is about another request. `discarded`: how many fragments had been
	 * done that are of no use now.
	 */
	static async open(
		file: string,
		request: ExportRequest,
		signal?: AbortSignal,
	): Promise<{ journal: ExportJournal; past: ExportPast; discarded: number }> {
		const path = journalPath(file);
		try {
			const found = await readPast(file, path);
			const intact =
				found !== null && isDeepStrictEqual(found.request, request)
					? await intactBytes(file, path, found.past, signal)
					: 0;
			const kept = intact === 0 || intact === found?.validBytes ? found : await readPast(file, path, intact);
			if (found !== null && kept !== null && intact > 0) {
				// What comes after it was being written when the process was killed, or is about bytes that have changed.
				await truncate(path, intact);
				const handle = await open(path, 'a');
				const discarded = found.past.known.size - kept.past.known.size;
				return { journal: new ExportJournal(path, handle, kept.checksum), past: kept.past, discarded };
			}
			const discarded = await ExportJournal.discard(file);
			const journal = new ExportJournal(path, await open(path, 'ax', 0o600), JOURNAL_START);
			await journal.#append(null, { request }).catch(async (error) => {
				await journal.leave();
				throw error;
			});
			return { journal, past: NO_PAST, discarded };
		} catch (error) {
			signal?.throwIfAborted();
			throw failure(path, error);
		}
	}

	/** Forgets what an export has done so far, and removes what it has written. Returns how many fragments that were. */
	static async discard(file: string): Promise<number> {
		const path = journalPath(file);
		const found = await readPast(file, path);
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

	/**
	 * The `count` fragments of the journal of `file`, in order, as JSON; with `hasRanges` off, without the places of their
	 * bytes. Fails with `SinkError` (`KVS_SINK_FAILED`) where the journal has fewer.
	 */
	static async *fragments(
		file: string,
		{ count, hasRanges }: { readonly count: number; readonly hasRanges: boolean },
	): AsyncGenerator<string> {
		let given = 0;
		for await (const { fragmentText: text } of journalLines(journalPath(file))) {
			if (text === '') continue;
			given++;
			yield hasRanges ? text : JSON.stringify({ ...(JSON.parse(text) as ExportedFragment), ranges: [] });
		}
		if (given === count) return;
		const message = `cannot finish \`${file}\`: its journal was damaged on the disk (expected ${counted(count, 'fragment')}, got ${given}); export it again`;
		throw new SinkError('KVS_SINK_FAILED', file, message);
	}

	async #append(fragment: ExportedFragment | null, rest: object): Promise<void> {
		const fragmentText = fragment === null ? '' : JSON.stringify(fragment);
		const { text, checksum } = formatJournalLine(this.#checksum, fragmentText, JSON.stringify(rest));
		try {
			await this.#handle.appendFile(text);
		} catch (error) {
			throw failure(this.#path, error);
		}
		this.#checksum = checksum;
	}
}

/** Where the journal of an export is. */
export function journalPath(file: string): string {
	return join(dirname(file), `.${basename(file)}.journal.part`);
}

function failure(path: string, cause: unknown): SinkError {
	if (cause instanceof SinkError) return cause;
	return new SinkError('KVS_SINK_FAILED', path, `cannot write \`${path}\`: ${createTrouble(cause)}`, cause);
}
