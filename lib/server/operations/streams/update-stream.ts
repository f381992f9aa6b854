import type { JsonOperation } from '../operation.js';
import { versionedChange } from './stream-change.js';
import { DEVICE_NAME, MEDIA_TYPE } from './stream-members.js';

/** UpdateStream: another device name or media type; what is absent stays. */
export const updateStream: JsonOperation = {
	name: 'UpdateStream',
	path: '/updateStream',
	respond(request, context) {
		const deviceName = request.string('DeviceName', DEVICE_NAME);
		const mediaType = request.string('MediaType', MEDIA_TYPE);
		return versionedChange(request, context, () => ({
			...(deviceName !== undefined && { deviceName }),
			...(mediaType !== undefined && { mediaType }),
		}));
	},
};
