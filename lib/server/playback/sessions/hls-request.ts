import type { RequestFields } from '../../wire/request-fields.js';
import { containerFormats } from '../packaging/container-format.js';
import { readSessionFields, type SessionRequest } from './session-request.js';

const names = { selector: 'HLSFragmentSelector', maxResults: 'MaxMediaPlaylistFragmentResults' };
const discontinuityModes = ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY'] as const;

/**
 * Reads the members of GetHLSStreamingSessionURL besides the stream's. `nowMs` is the archive's clock. Throws
 * `InvalidArgumentException`.
 */
export function readHlsRequest(request: RequestFields, nowMs: number): SessionRequest {
	const container = request.optionalOneOf('ContainerFormat', containerFormats) ?? 'FRAGMENTED_MP4';
	const discontinuities = request.optionalOneOf('DiscontinuityMode', discontinuityModes);
	const fields = readSessionFields(request, names, nowMs);
	return {
		...fields,
		protocol: 'hls',
		container,
		discontinuities: discontinuities ?? (fields.clock === 'server' ? 'ALWAYS' : 'NEVER'),
		showsNumbers: false,
	};
}
