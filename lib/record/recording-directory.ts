import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SinkError } from '../errors.js';
import { publish } from '../files/atomic-file.js';
import { isFileThere } from '../files/is-file-there.js';
import { syncDirectory } from '../files/private-directory.js';
import { createTrouble } from '../wording/system-trouble.js';
import type { OpenRecording, Recording } from './recording.js';
import { listRecording } from './recording-list.js';
import { isRecordingPart, recordingName } from './recording-name.js';

/** The directory that a recorder writes to. Every failure is a `SinkError` (`KVS_SINK_FAILED`). */
export class RecordingDirectory {
	readonly path: string;

	constructor(path: string) {
		this.path = path;
	}

	/** The name that a recording gets: by its start, and with a number where another file has that. */
	async freeName(stream: string, { startMs, container }: OpenRecording): Promise<string> {
		return this.#attempt(async () => {
			for (let turn = 1; ; turn++) {
				const name = recordingName(stream, startMs, container, turn);
				if (!(await isFileThere(join(this.path, name), { follows: true }))) return name;
			}
		});
	}

	/** SHA-256 of a file, in hexadecimal. */
	async sha256(name: string, signal: AbortSignal): Promise<string> {
		const hash = createHash('sha256');
		await this.#attempt(() => pipeline(createReadStream(join(this.path, name)), hash, { signal }));
		return hash.digest('hex');
	}

	/**
	 * Gives the part of a recording its name, and lists it, as far as a process that was killed has not done so.
	 *
	 * @param _ended - aborted when the recorder fails
	 */
	async publish(part: string, recording: Recording, _ended: AbortSignal): Promise<void> {
		await publish(join(this.path, part), join(this.path, recording.file));
		await this.sync();
		await listRecording(this.path, recording);
	}

	/** The recorder has gone on from a part that was published. */
	async settled(_part: string): Promise<void> {}

	/** Makes the names in it durable. */
	async sync(): Promise<void> {
		await this.#attempt(() => syncDirectory(this.path));
	}

	/** Removes the parts of recordings, but for one that is kept. */
	async removeParts(kept: string | undefined): Promise<void> {
		await this.#attempt(async () => {
			for (const name of await readdir(this.path)) {
				if (name !== kept && isRecordingPart(name)) await rm(join(this.path, name), { force: true });
			}
		});
	}

	async #attempt<Result>(act: () => Promise<Result>): Promise<Result> {
		try {
			return await act();
		} catch (cause) {
			const message = `cannot write to \`${this.path}\`: ${createTrouble(cause)}`;
			throw new SinkError('KVS_SINK_FAILED', this.path, message, cause);
		}
	}
}
