#include "CTemporalAPI.h"
