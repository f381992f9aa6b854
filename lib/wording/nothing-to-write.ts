import { RANGE_ADVICE } from './advice.js';
import { counted } from './counted.js';

/**
 * The message of an export or a sink that got nothing to write: `KVS_EMPTY_RANGE`.
 *
 * @param target - name of the file or folder
 * @param lacking - what there is none of, `frames`
 * @param skipped - fragments of the range that `where` left out: then the range is not to blame
 */
export function nothingToWrite(target: string, lacking: string, skipped = 0): string {
	const nothing = `nothing to write to ${target}: there are no ${lacking} in the range`;
	if (skipped === 0) return `${nothing}; ${RANGE_ADVICE}`;
	return `${nothing}, but for ${counted(skipped, 'fragment')} that the option \`where\` leaves out`;
}
