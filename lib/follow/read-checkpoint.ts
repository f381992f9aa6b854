import { ArchiveError } from '../errors.js';
import type { Checkpoint } from './checkpoint.js';

/** Reads a checkpoint. Throws `ArchiveError` (`KVS_CHECKPOINT_INVALID`), naming `where` it stood. */
export function readCheckpoint(text: string, key: string, where: string): Checkpoint {
	const invalid = (what: string): ArchiveError =>
		new ArchiveError(
			'KVS_CHECKPOINT_INVALID',
			`the checkpoint \`${where}\` ${what}: name another, or remove it to start over`,
		);
	let fields: Partial<Record<keyof Checkpoint, unknown>> | null;
	try {
		fields = JSON.parse(text);
	} catch {
		throw invalid('is damaged (it is not JSON)');
	}
	if (fields === null || typeof fields !== 'object') throw invalid('is damaged');
	const { version, fromMs, done } = fields;
	if (typeof version === 'number' && version > 1) {
		throw invalid(`was written by a later version (its format is ${version}, the latest known is 1)`);
	}
	const isWhole =
		version === 1 &&
		typeof fields.key === 'string' &&
		Number.isSafeInteger(fromMs) &&
		typeof done === 'object' &&
		done !== null &&
		Object.entries(done).every(([number, ms]) => /^\d{1,128}$/.test(number) && Number.isFinite(ms));
	if (!isWhole) throw invalid('is damaged');
	if (fields.key !== key) throw invalid(`belongs to \`${String(fields.key)}\`, and not to \`${key}\``);
	return fields as Checkpoint;
}
