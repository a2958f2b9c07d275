// Half of the seeds that every test run simulates; the other half runs beside it.

import { describeHalf } from './seeds.js';

describeHalf(501, 500);
