import { type FileHandle, open } from 'node:fs/promises';
import { SinkError } from '../../../../index.js';
import { createTrouble } from '../../../../wording/system-trouble.js';
import type { Terminal } from '../../../terminal.js';

/** Where the line of each picture is written whose bytes go to stdout. */
export interface PictureTimes {
	/** Writes a line, before the bytes of its picture. */
	write(line: object): Promise<void>;
	close(): Promise<void>;
}

/** Lines into a file that is begun anew, or else to stderr. Fails with `SinkError` (`KVS_SINK_FAILED`). */
export async function openPictureTimes(file: string | undefined, terminal: Terminal): Promise<PictureTimes> {
	if (file === undefined) {
		return { write: async (line) => terminal.say(JSON.stringify(line)), close: async () => {} };
	}
	const handle = await tried(file, () => open(file, 'w'));
	return new TimesFile(file, handle);
}

class TimesFile implements PictureTimes {
	readonly #file: string;
	readonly #handle: FileHandle;

	constructor(file: string, handle: FileHandle) {
		this.#file = file;
		this.#handle = handle;
	}

	async write(line: object): Promise<void> {
		await tried(this.#file, () => this.#handle.appendFile(`${JSON.stringify(line)}\n`));
	}

	async close(): Promise<void> {
		await tried(this.#file, () => this.#handle.close());
	}
}

async function tried<T>(file: string, write: () => Promise<T>): Promise<T> {
	try {
		return await write();
	} catch (error) {
		throw new SinkError(
			'KVS_SINK_FAILED',
			file,
			`cannot write the times to \`${file}\`: ${createTrouble(error)}`,
			error,
		);
	}
}
