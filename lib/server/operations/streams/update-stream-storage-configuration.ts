import type { JsonOperation } from '../operation.js';
import { versionedChange } from './stream-change.js';
import { STORAGE_TIERS } from './stream-members.js';

/** UpdateStreamStorageConfiguration: another storage tier, which the local archive only remembers. */
export const updateStreamStorageConfiguration: JsonOperation = {
	name: 'UpdateStreamStorageConfiguration',
	path: '/updateStreamStorageConfiguration',
	respond(request, context) {
		const configuration = request.requiredObject('StreamStorageConfiguration');
		const storageTier = configuration.oneOf('DefaultStorageTier', STORAGE_TIERS);
		return versionedChange(request, context, () => ({ storageTier }));
	},
};
