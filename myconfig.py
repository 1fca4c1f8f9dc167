"""Settings of a project: its videos, labels, training sets and their evaluation.

Values are plain: numbers, texts in quotes, True, False, None, or lists of these. As they stand here they belong to the
demo (`make demo`); edit them for a project of your own. Every step checks all of them before it works.
"""

# ---- The project --------------------------------------------------------------------------------
Task = 'mouse'  # short name of the task; part of folder names
date = 'Nov22'  # when labeling started; part of folder names

# ---- Step 1: choose frames ----------------------------------------------------------------------
vidpath = '../videos'  # folder of the videos, relative to Generating_a_Training_Set/
filename = ['test_vid.mp4']  # one video, or a list of them
numframes2pick = 10  # frames to pick from each video; 0 only shows the crop
framechoice = 'kmeans'  # 'kmeans': frames that look and move differently; 'random'; 'even': at even distances
secondsapart = 1  # least time between two frames that 'kmeans' chooses, seconds; less in a video too short for that
portion = 1  # share of each video to pick from, counted from its start (0 to 1)
cropping = False  # keep only x1 <= x < x2 and y1 <= y < y2 of each frame?
x1 = 0  # left edge of the crop, pixels
x2 = 396  # right edge (not included), pixels
y1 = 0  # top edge, pixels
y2 = 406  # bottom edge (not included), pixels
videostream = None  # which video of a file that holds several, counted from 0; None: the largest
channel = None  # which channel of a TIFF file that holds several, counted from 1 as in Fiji; None: the first
seed = 42  # same seed, same frames and same splits

# ---- Step 2: labels -----------------------------------------------------------------------------
# Names of the csv files, or the order of the clicks when all parts are in one file.
bodyparts = ['paw1LH_top', 'paw2LF_top', 'paw3RF_top', 'paw4RH_top', 'tailBase_top', 'tailMid_top',
             'nose_top', 'obs_top', 'paw1LH_bot', 'paw2LF_bot', 'paw3RF_bot', 'paw4RH_bot',
             'tailBase_bot', 'tailMid_bot', 'nose_bot', 'obsHigh_bot', 'obsLow_bot']
Scorers = ['rick']  # who labeled; with several, each has a sub-folder of csv files in every video's folder
multibodypartsfile = False  # are all body parts clicked in turn, in one csv per folder?
multibodypartsfilename = 'Results.csv'  # name of that csv
invisibleboundary = 0  # a click with x and y below this (pixels) means 'not visible'; 0: no such clicks
imagetype = '.png'  # suffix of the images

# ---- Step 3: pictures of the labels -------------------------------------------------------------
colormap = 'parts'  # 8 colours, then the same with other markers; or a matplotlib colormap such as 'hsv'
scale = 1  # size of the pictures relative to the images
msize = 10  # size of the markers, points
alphavalue = 0.6  # opacity of the markers (0 to 1)

# ---- Step 4: training sets ----------------------------------------------------------------------
scorer = 'rick'  # whose labels train the network; one of Scorers
Shuffles = [1]  # numbers of the random splits; range(5) makes five
TrainingFraction = [0.8]  # share of the labeled images to train on; one split each
splitby = 'image'  # images at random, or 'video': no video on both sides, which tests on videos never seen
resnet = 50  # depth of the network: 50, 101 or 152

# ---- Evaluation ---------------------------------------------------------------------------------
snapshotindex = -1  # which: -1 the last, a position counted from 0, "best" (lowest error on held-out images), or "all"
shuffleindex = 0  # which of Shuffles, by position
pcutoff = 0.6  # a body part counts as seen from this likelihood on (0 to 1)
wantederror = 5  # an error that is small enough for what the poses are for, pixels
# Body parts that are one point seen in several views (a mirror, say), in one order of views; [] without any.
views = [['paw1LH_top', 'paw1LH_bot'], ['paw2LF_top', 'paw2LF_bot'], ['paw3RF_top', 'paw3RF_bot'],
         ['paw4RH_top', 'paw4RH_bot'], ['tailBase_top', 'tailBase_bot'], ['tailMid_top', 'tailMid_bot'],
         ['nose_top', 'nose_bot']]
plotting = True  # draw the labeled images with the labels of human and network?
