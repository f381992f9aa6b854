import type { RequestFields } from '../../wire/request-fields.js';
import { readDisplay, readSessionFields, type SessionRequest } from './session-request.js';

const names = { selector: 'DASHFragmentSelector', maxResults: 'MaxManifestFragmentResults' };

/**
 * Reads the members of GetDASHStreamingSessionURL besides the stream's. `nowMs` is the archive's clock. Throws
 * `InvalidArgumentException`.
 */
export function readDashRequest(request: RequestFields, nowMs: number): SessionRequest {
	return {
		...readSessionFields(request, names, nowMs),
		protocol: 'dash',
		container: 'FRAGMENTED_MP4',
		discontinuities: 'NEVER',
		showsNumbers: readDisplay(request, 'DisplayFragmentNumber'),
	};
}
