import type { Checkpoint, CheckpointStore } from '../follow/checkpoint.js';
import type { RecordJournal } from './record-journal.js';

/** What a {@link RecordCheckpoint} is made of. */
export interface RecordCheckpointParts {
	readonly journal: RecordJournal;
	/** The caller's, which is saved after the journal. */
	readonly store: CheckpointStore | null;
	/** What was loaded from it already; undefined where nothing was. */
	readonly loaded: Checkpoint | null | undefined;
	/** Fragments that are to be read again. */
	readonly lost: readonly string[];
	/** Whether what is done may still be lost, so that it is not to be saved yet. */
	readonly isHeld: () => boolean;
}

/** The journal as a checkpoint, with one of the caller's. It is closed when the last file is finished, not before. */
export class RecordCheckpoint implements CheckpointStore {
	/** As {@link CheckpointStore} says. */
	readonly lost?: AbortSignal;
	readonly #parts: RecordCheckpointParts;
	#held: readonly [key: string, checkpoint: Checkpoint] | null = null;

	constructor(parts: RecordCheckpointParts) {
		this.#parts = parts;
		const { lost } = parts.store ?? {};
		if (lost !== undefined) this.lost = lost;
	}

	/** As {@link CheckpointStore} says. */
	async load(key: string): Promise<Checkpoint> {
		const { journal, store, loaded, lost } = this.#parts;
		const other = loaded === undefined ? await store?.load(key) : loaded;
		return journal.resume(key, other ?? null, lost);
	}

	/** As {@link CheckpointStore} says; does nothing yet where it is held. */
	async save(key: string, checkpoint: Checkpoint): Promise<void> {
		this.#held = [key, checkpoint];
		if (!this.#parts.isHeld()) await this.saveHeld();
	}

	/** Saves what was held. */
	async saveHeld(): Promise<void> {
		const held = this.#held;
		this.#held = null;
		if (held !== null) await this.#parts.store?.save(...held);
	}
}
