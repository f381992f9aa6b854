import { IN_BAND_NAMES } from '../../model/failure-name.js';
import { exceptionChunk } from '../faults/exception-chunk.js';
import type { LocalStream } from '../store/local-stream.js';
import type { StoredFragment } from '../store/stored-fragment.js';

const NOT_FOUND_CODE = 4000;
const INTERNAL_ERROR_CODE = 5000;

/**
 * Makes what a response has in place of a fragment that cannot be read: an in-band exception, 4000 where the fragment expired
 * or its stream was deleted while the response was under way, and else 5000, which `onDamage` is called for.
 */
export function unreadableChunk(
	stream: LocalStream,
	onDamage: (message: string) => void,
): (fragment: StoredFragment, error: Error) => Uint8Array {
	return ({ number }, { message }) => {
		const isDamaged = stream.holds(number);
		if (isDamaged) onDamage(message);
		const code = isDamaged ? INTERNAL_ERROR_CODE : NOT_FOUND_CODE;
		const name = IN_BAND_NAMES[code] as string;
		return exceptionChunk({ code, name, spelling: 'get-media', fragmentNumber: number });
	};
}
